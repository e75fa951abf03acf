/** One large file by its path, down or up: how fast, what the main thread does meanwhile, what memory it takes. */
import { forgetPeak, mainThreadCpu, peakMegabytes, residentMegabytes, totalCpu } from '../process-figures.js';

export async function measure(contender, job) {
  const { url, way, file, bytes, warmUrl } = job;
  const client = await contender.open(job);
  await client.json(warmUrl);
  globalThis.gc();
  forgetPeak();
  const before = { rss: residentMegabytes(), main: mainThreadCpu(), cpu: totalCpu(), at: performance.now() };
  const moved = way === 'down' ? await client.download(url, file) : (await client.uploadFile(url, file)).received;
  const seconds = (performance.now() - before.at) / 1e3;
  const [main, cpu] = [mainThreadCpu(), totalCpu()];
  const peak = peakMegabytes();
  if (moved !== bytes) throw new Error(`${moved} bytes of ${bytes} moved`);
  await client.close();
  return {
    rate: bytes / 2 ** 20 / seconds,
    main: main === null ? null : (main - before.main) / 1e3,
    cpu: (cpu - before.cpu) / 1e3,
    growth: peak === null ? null : peak - before.rss,
  };
}

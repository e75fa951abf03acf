/** What many small responses take that the program keeps: the heap and what lies outside it. */

const AT_ONCE = 50;

export async function measure(contender, job) {
  const { url, responses } = job;
  const client = await contender.open({ ...job, inFlight: AT_ONCE });
  for (let i = 0; i < 1_000; i++) await client.keep(url);
  const before = await held();
  const kept = [];
  const keepAsking = async () => {
    while (kept.length < responses) kept.push(await client.keep(url));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, keepAsking));
  const after = await held();
  return { each: (after - before) / kept.length };
}

async function held() {
  for (let i = 0; i < 5; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** One turn of one contender: a process of its own, and what it said. */
import { join } from 'node:path';
import { run, withManyFiles } from './children.js';
import { isTool, measureByTool } from './tools.js';

const HERE = import.meta.dirname;
/** Longer than it should take by more than this is too long. */
const SLACK = 30_000;
/** Works that need 10,000 files. */
const MANY_FILES = new Set(['idle', 'in-use']);

/** The figures, or `{ error }`. `where`: the server, what `origins` says, and the times. */
export async function takeTurn(row, contender, { server, native, ms, warmUp, proxy, dir, caFile, netrc }) {
  const port = row.ports?.[contender] ?? row.port;
  const tls = port === 'https' || port === 'h2';
  const url = `${tls ? 'https' : 'http'}://127.0.0.1:${server[port]}${row.path}`;
  const env = environment({
    ...(tls && (contender === 'fetch' || contender === 'ky') && { NODE_EXTRA_CA_CERTS: caFile }),
    ...(row.dressed && { NETRC: netrc }),
  });
  const certificate = tls ? { caFile } : {};
  if (row.work === 'first-request') {
    const args = [join(HERE, 'first-request.js'), contender, url, row.bytes, ...Object.values(certificate)];
    const { code, wall, stdout, stderr } = await run(process.execPath, args.map(String), { timeout: SLACK, env });
    return code === 0 ? { answered: Number(stdout), wall } : { error: stderr.trim() || `exit code ${code}` };
  }
  const job = {
    ...row,
    contender,
    url,
    port,
    ms,
    warmUp,
    ...certificate,
    ...(row.tunnel && { proxy }),
    ...(native && {
      connectionsUrl: `http://127.0.0.1:${native.http}/connections`,
      warmUrl: `http://127.0.0.1:${native.http}/small`,
    }),
    ...(row.way !== undefined && {
      file: row.way === 'up' ? join(dir, 'bytes', String(row.bytes)) : join(dir, 'download'),
    }),
    // Of a sweep: one after the other in one process.
    ...(row.points && { points: row.points.map((point) => ({ ...point, url: new URL(point.path, url).href })) }),
  };
  const timeout = (warmUp + ms) * (row.points?.length ?? 1) + SLACK;
  if (isTool(contender)) return measureByTool(contender, job, { timeout, env });
  const worker = ['--expose-gc', join(HERE, 'worker.js'), JSON.stringify(job)];
  const command = MANY_FILES.has(row.work) ? withManyFiles(process.execPath, worker) : [process.execPath, worker];
  const { code, signal, stdout, stderr } = await run(...command, { timeout, env });
  const line = stdout.trim().split('\n').at(-1);
  return line ? JSON.parse(line) : { error: stderr.trim() || `ended with ${signal ?? code} and said nothing` };
}

/** The contenders ask the origin, not a proxy that this shell happens to name. */
function environment(more) {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/_proxy$|^NODE_(OPTIONS|EXTRA_CA_CERTS)$/i.test(name),
  );
  return { ...Object.fromEntries(inherited), ...more };
}

/**
 * What is not JavaScript: wrk and h2load as the limit, curl for whole files. Each turn is a process of its own, as the others' are,
 * and answers with the same figures as far as the tool says them.
 */
import { spawnSync } from 'node:child_process';
import { run } from './children.js';

const TOOLS = {
  /** One thread, all connections from it. What it says of itself: `requests/s`, and latencies by `--latency`. */
  wrk: {
    version: () => /wrk \S+/.exec(said('wrk', '-v'))?.[0],
    async measure({ url, inFlight, ms }, timed) {
      // It takes whole seconds.
      const seconds = Math.max(1, Math.round(ms / 1000));
      const { stdout, cpu } = await timed('wrk', ['-t1', `-c${inFlight}`, `-d${seconds}s`, '--latency', url]);
      const requests = number(/(\d+) requests in/, stdout);
      const failed = /Socket errors.*|Non-2xx.*/.exec(stdout);
      if (failed !== null) throw new Error(`wrk: ${failed[0]}`);
      const rps = number(/Requests\/sec:\s+([\d.]+)/, stdout);
      const [p50, p99] = ['50', '99'].map((part) => microseconds(new RegExp(`${part}%\\s+([\\d.]+)(us|ms|s)`), stdout));
      return { requests, rps, p50, p99, cpu: cpu / requests };
    },
  },
  /** One thread, one connection, as many streams as there are requests in flight. */
  h2load: {
    version: () => /nghttp2\/\S+/.exec(said('h2load', '--version'))?.[0].replace('nghttp2/', 'h2load '),
    async measure({ url, inFlight, ms }, timed) {
      const args = ['-t1', '-c1', `-m${inFlight}`, `-D${Math.max(1, Math.round(ms / 1000))}`, '--warm-up-time=0', url];
      const { stdout, cpu } = await timed('h2load', args);
      const requests = number(/requests: .* (\d+) done/, stdout);
      if (number(/(\d+) failed/, stdout) > 0) throw new Error(`h2load: ${/requests: .*/.exec(stdout)[0]}`);
      return { requests, rps: number(/finished in [^,]+, ([\d.]+) req\/s/, stdout), cpu: cpu / requests };
    },
  },
  /** One file, down to a file or up from one. */
  curl: {
    version: () => /curl \S+/.exec(said('curl', '--version'))?.[0],
    async measure({ url, way, file, bytes }, timed) {
      const what = way === 'down' ? ['-o', file] : ['-T', file, '-H', 'Expect:', '-o', '/dev/null'];
      // The same method for everybody: curl would PUT.
      const args = ['-sS', '--fail', '--noproxy', '*', '-w', '%{time_total}\n%{size_download}\n%{size_upload}'];
      const { stdout, cpu } = await timed('curl', [...args, ...what, ...(way === 'up' ? ['-X', 'POST'] : []), url]);
      const [seconds, down, up] = stdout.trim().split('\n').map(Number);
      const moved = way === 'down' ? down : up;
      if (moved !== bytes) throw new Error(`curl moved ${moved} bytes of ${bytes}`);
      return { rate: bytes / 2 ** 20 / seconds, cpu: cpu / 1e3 };
    },
  },
};

export const isTool = (name) => Object.hasOwn(TOOLS, name);

/** Its name with its version; undefined where it is not installed. */
export function toolVersion(name) {
  return TOOLS[name].version();
}

/** The turn of a tool. */
export function measureByTool(name, job, { timeout, env }) {
  return TOOLS[name].measure(job, async (command, args) => {
    // `times` (POSIX) ends with what the children took: user and system, as 0m0.12s.
    const script = '"$@"; code=$?; times >&2; exit $code';
    const { code, stdout, stderr } = await run('sh', ['-c', script, 'sh', command, ...args], { timeout, env });
    if (code !== 0) throw new Error(`${command} ended with ${code}: ${stderr.trim()}`);
    const used = stderr
      .trim()
      .split('\n')
      .at(-1)
      .matchAll(/(\d+)m([\d.]+)s/g);
    const cpu = [...used].reduce((sum, [, minutes, seconds]) => sum + minutes * 60 + Number(seconds), 0) * 1e6;
    return { stdout, cpu };
  });
}

function said(command, ...args) {
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return `${stdout ?? ''}${stderr ?? ''}`;
}

function number(pattern, text) {
  const found = pattern.exec(text);
  if (found === null) throw new Error(`not understood: ${text}`);
  return Number(found[1]);
}

function microseconds(pattern, text) {
  const found = pattern.exec(text);
  return found === null ? null : Number(found[1]) * { us: 1, ms: 1e3, s: 1e6 }[found[2]];
}

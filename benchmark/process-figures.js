/** What the kernel and the origin know about this process. The figures that only Linux has are null elsewhere. */
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Microseconds that the main thread has spent on a CPU. */
export function mainThreadCpu() {
  // proc(5), schedstat: the first number is the time on the CPU, in nanoseconds.
  const nanoseconds = orNull(() =>
    Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[0]),
  );
  return nanoseconds === null ? null : nanoseconds / 1e3;
}

/** Microseconds that all threads have spent on a CPU. */
export function totalCpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

export function threadCount() {
  return orNull(() => readdirSync('/proc/self/task').length);
}

export function residentMegabytes() {
  return process.memoryUsage.rss() / 1e6;
}

/** The most that this process has had resident since `forgetPeak`, without looking in between. */
export function peakMegabytes() {
  return orNull(() => (Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024) / 1e6);
}

export function forgetPeak() {
  // proc(5), clear_refs: 5 sets the peak back to what is resident now.
  orNull(() => writeFileSync('/proc/self/clear_refs', '5'));
}

/** After more than a second and garbage collections: what is measured is idle, not just done. Needs `--expose-gc`. */
export async function settledMegabytes() {
  for (let i = 0; i < 12; i++) {
    globalThis.gc();
    await sleep(100);
  }
  return residentMegabytes();
}

/** Of all processes, as the native origin counts them at its `/connections`, without the one that asks. */
export function openConnections(url) {
  return new Promise((resolve, reject) => {
    const ask = http.get(url, { agent: false }, async (response) => {
      const chunks = await response.toArray();
      resolve(JSON.parse(Buffer.concat(chunks).toString()).open - 1);
    });
    ask.on('error', reject);
  });
}

function orNull(read) {
  try {
    return read();
  } catch {
    return null;
  }
}

/** What the kernel knows about this process. The figures that only Linux has are null elsewhere. */
import { readFileSync, readdirSync } from 'node:fs';

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

function orNull(read) {
  try {
    return read();
  } catch {
    return null;
  }
}

/**
 * What is no regular file: named pipes, `/dev/stdin`, the shell's `<(…)`. A thread that waits in open() or read() for the other side
 * cannot be stopped, and the process could not end, so that nothing waits there.
 */

import { constants, createReadStream, createWriteStream, openSync, statSync } from 'node:fs';
import net from 'node:net';
import type { Readable, Writable } from 'node:stream';
import { addAbortSignal } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import tty from 'node:tty';

const { O_NONBLOCK = 0, O_RDONLY, O_WRONLY } = constants;

/** How often it is asked whether the other side has come. */
const POLL_MS = 50;

/** What is written on the other side, from when it comes. */
export function openToRead(file: string, signal: AbortSignal): Readable {
  const isPipe = statSync(file).isFIFO();
  const fd = openSync(file, O_RDONLY | O_NONBLOCK);
  const stream = isPipe
    ? new net.Socket({ fd, readable: true, writable: false })
    : tty.isatty(fd)
      ? new tty.ReadStream(fd)
      : createReadStream(file, { fd });
  return addAbortSignal(signal, stream);
}

/** @throws the reason of the signal */
export async function readPipe(file: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of openToRead(file, signal)) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Resolves when there is a reader. @throws the reason of the signal */
export async function openToWrite(file: string, signal: AbortSignal): Promise<Writable> {
  if (!statSync(file).isFIFO()) return createWriteStream(file);
  for (;;) {
    signal.throwIfAborted();
    try {
      return new net.Socket({ fd: openSync(file, O_WRONLY | O_NONBLOCK), readable: false, writable: true });
    } catch (error) {
      // POSIX open(): there is no reader yet.
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw error;
      await sleep(POLL_MS, undefined, { signal });
    }
  }
}

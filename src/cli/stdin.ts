/** What is piped into the command. */

import { fstatSync } from 'node:fs';
import { writeNote } from './output.js';

/** Bytes that are held, so that they have a length and can be sent again; what is longer is sent while it comes. */
const MAX_HELD_BYTES = 4 * 1024 * 1024;

/** For a pipe that a parent left open without meaning to. */
const WAITING = 'waiting for a body on stdin; the method GET, or < /dev/null, goes without';
const WAITING_NOTE_MS = 3_000;

/** stdin is a pipe or a file: what comes from there is meant. A terminal or /dev/null is not asked. */
export function isPiped(): boolean {
  try {
    const state = fstatSync(0);
    return state.isFIFO() || state.isFile() || state.isSocket();
  } catch {
    return false;
  }
}

/** Everything, or the beginning and the rest as it comes. */
export async function readStdin(signal: AbortSignal): Promise<Buffer | AsyncIterable<Uint8Array>> {
  const chunks: Buffer[] = [];
  let size = 0;
  const note = setTimeout(() => writeNote(WAITING), WAITING_NOTE_MS);
  const source = chunksOf(signal)[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await source.next();
    clearTimeout(note);
    if (done === true) return Buffer.concat(chunks);
    chunks.push(value);
    size += value.length;
    if (size > MAX_HELD_BYTES) return rest(chunks, source);
  }
}

/** Text, whole. */
export async function readStdinText(signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of chunksOf(signal)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Ends with the signal, too. */
function chunksOf(signal: AbortSignal): AsyncIterable<Buffer> {
  const { stdin } = process;
  signal.addEventListener('abort', () => stdin.destroy(signal.reason as Error));
  return stdin;
}

async function* rest(chunks: readonly Buffer[], source: AsyncIterator<Buffer>): AsyncGenerator<Uint8Array> {
  yield* chunks;
  for (;;) {
    const { done, value } = await source.next();
    if (done === true) return;
    yield value;
  }
}

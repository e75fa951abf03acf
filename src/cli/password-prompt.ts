/** Asks for a password on the terminal, without an echo. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import tty from 'node:tty';
import { Interrupted } from './interrupted.js';
import { writeNote } from './output.js';
import { visible } from './visible-text.js';

/**
 * What was typed up to Enter; null without a terminal. stdin may be the body, so that the terminal itself is asked.
 *
 * @throws Interrupted by Ctrl+C, and the reason of the signal
 */
export async function promptPassword(question: string, signal: AbortSignal): Promise<string | null> {
  const terminal = openTerminal();
  if (terminal === null) return null;
  const { input, write, close } = terminal;
  try {
    // What is typed as soon as the question stands there has no echo either.
    input.setRawMode(true);
    write(visible(question));
    return await readHidden(input, signal);
  } finally {
    write('\n');
    close();
  }
}

interface Terminal {
  readonly input: tty.ReadStream;
  write(text: string): void;
  close(): void;
}

function openTerminal(): Terminal | null {
  const { stdin, stderr } = process;
  // Where stderr is a file, the question would not be seen.
  const device = stdin.isTTY && stderr.isTTY ? null : openDevice();
  const write = (text: string): void => {
    if (device === null || stderr.isTTY) writeNote(text, '');
    else writeSync(device, text);
  };
  if (stdin.isTTY) {
    const close = (): void => {
      stdin.pause();
      if (device !== null) closeSync(device);
    };
    return { input: stdin, write, close };
  }
  if (device === null) return null;
  const input = new tty.ReadStream(device);
  return { input, write, close: () => input.destroy() };
}

/** The terminal of this process, whatever its streams are; null where it has none. */
function openDevice(): number | null {
  try {
    const descriptor = openSync('/dev/tty', 'r+');
    if (tty.isatty(descriptor)) return descriptor;
    closeSync(descriptor);
    return null;
  } catch {
    return null;
  }
}

/** Of a terminal in raw mode, which is left. */
function readHidden(input: tty.ReadStream, signal: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    // A character may come in two pieces.
    const decoder = new StringDecoder();
    const done = (settle: () => void): void => {
      input.off('data', onData);
      input.off('end', onEnd);
      signal.removeEventListener('abort', onAbort);
      input.setRawMode(false);
      settle();
    };
    const onEnd = (): void => done(() => resolve(text));
    const onAbort = (): void => done(() => reject(signal.reason as Error));
    const onData = (chunk: Buffer): void => {
      for (const char of decoder.write(chunk)) {
        if (char === '\r' || char === '\n' || char === '\x04') return done(() => resolve(text));
        if (char === '\x03') return done(() => reject(new Interrupted()));
        // Backspace, and Ctrl+U for the line.
        if (char === '\x7f' || char === '\b') text = [...text].slice(0, -1).join('');
        else if (char === '\x15') text = '';
        else text += char;
      }
    };
    input.on('data', onData);
    input.on('end', onEnd);
    signal.addEventListener('abort', onAbort);
    input.resume();
  });
}

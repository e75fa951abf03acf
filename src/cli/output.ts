/** stdout and stderr: written in order, with a reader that may go away, or be slower than the server. */

import { once } from 'node:events';
import { fstatSync, statSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Arguments } from './arguments.js';
import { painterFor, plain, type Painter } from './colors.js';

/** The reader of stdout has gone (`| head`): there is no one to write for, and that is no error. */
export class OutputClosed extends Error {
  constructor() {
    super('the output was closed');
    this.name = 'OutputClosed';
  }
}

/** stdout as this command writes it. */
export class Output {
  readonly isTerminal: boolean = isTerminal(1);
  readonly paint: Painter;
  #paintNotes: Painter | null = null;
  #args: Arguments;
  #isOpen = false;
  #isClosed = false;
  /** Why nothing can be written: a full disk. */
  #failure: Error | null = null;
  #onClosed: ((reason: Error) => void)[] = [];
  #signal: AbortSignal;

  /** @param signal What waits for a slow reader ends with it. */
  constructor(args: Arguments, signal: AbortSignal) {
    this.paint = painterFor(args, this.isTerminal);
    this.#args = args;
    this.#signal = signal;
  }

  /** For stderr. */
  get paintNotes(): Painter {
    return (this.#paintNotes ??= painterFor(this.#args, isTerminal(2)));
  }

  /** What the streams say is listened to. Not before the request is sent: Node's streams take a while to load. */
  #open(): NodeJS.WriteStream {
    if (this.#isOpen) return process.stdout;
    this.#isOpen = true;
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      this.#isClosed = true;
      if (error.code !== 'EPIPE' && error.code !== 'EOF') this.#failure = error;
      for (const tell of this.#onClosed) tell(this.#failure ?? new OutputClosed());
    });
    return process.stdout;
  }

  get hasColor(): boolean {
    return this.paint !== plain;
  }

  /** Called when the reader has gone. */
  onClosed(tell: (reason: Error) => void): void {
    this.#onClosed.push(tell);
  }

  /** Resolves when more may be written, or the command is interrupted. @throws OutputClosed */
  async write(data: string | Uint8Array): Promise<void> {
    if (this.#isClosed) throw this.#failure ?? new OutputClosed();
    if (data.length === 0 || this.#open().write(data) || this.#signal.aborted) return;
    const signal = this.#signal;
    await Promise.race([once(process.stdout, 'drain', { signal }), once(process.stdout, 'close', { signal })]).catch(
      () => {},
    );
    if (this.#isClosed) throw this.#failure ?? new OutputClosed();
  }

  /** Resolves when what was written is out, or the command is interrupted. @throws what it failed with, but not OutputClosed */
  async flush(): Promise<void> {
    if (this.#signal.aborted) return;
    await new Promise<void>((resolve) => {
      this.#signal.addEventListener('abort', () => resolve());
      this.#open().write('', () => resolve());
    });
    if (this.#failure !== null) throw this.#failure;
  }

  /** A line on stderr. */
  note(text: string): void {
    writeNote(text);
  }

  /** Columns of the terminal that notes go to. */
  get columns(): number {
    // A terminal that does not know says 0.
    return process.stderr.columns || 80;
  }
}

let isListening = false;

/** A line on stderr. That no one reads it is no failure: there is no other place to say so. */
export function writeNote(text: string, end = '\n'): void {
  if (!isListening) process.stderr.on('error', () => {});
  isListening = true;
  process.stderr.write(`${text}${end}`);
}

/** As `tty.isatty()`, whose module is loaded only where the answer may be "yes". */
export function isTerminal(descriptor: number): boolean {
  try {
    const state = fstatSync(descriptor);
    if (!state.isCharacterDevice() && process.platform !== 'win32') return false;
    if (state.rdev !== 0 && state.rdev === statSync('/dev/null', { throwIfNoEntry: false })?.rdev) return false;
    return isatty(descriptor);
  } catch {
    return false;
  }
}

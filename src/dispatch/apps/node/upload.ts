/** A streamed request body on its way into an app's IncomingMessage: chunk by chunk, as the app reads it. */

import type { Readable } from 'node:stream';
import { ownCopy } from '../../../own-memory.js';
import type { BodyPump } from '../../../request/body-pump.js';

/** Told where the upload stands. */
export interface UploadListener {
  fails(error: unknown): void;
  waitsForApp(): void;
  appTook(): void;
  waitsForSource(): void;
  done(): void;
}

export class Upload {
  #pump: BodyPump;
  #into: Readable & { complete?: boolean };
  #listener: UploadListener;
  #isWanted = false;
  #wake: (() => void) | null = null;

  constructor(pump: BodyPump, into: Readable & { complete?: boolean }, listener: UploadListener) {
    this.#pump = pump;
    this.#into = into;
    this.#listener = listener;
  }

  /** The app takes more. */
  resume(): void {
    this.#isWanted = true;
    this.#wake?.();
  }

  /** No more is wanted. */
  stop(): void {
    this.#pump.stop();
    this.#wake?.();
  }

  /** One loop from the beginning to the end, so that the source runs in the caller's AsyncLocalStorage throughout. */
  async start(): Promise<void> {
    const pump = this.#pump;
    try {
      while (!pump.isStopped) {
        this.#listener.waitsForSource();
        const chunk = await pump.next();
        if (chunk === null) {
          this.#end();
          return;
        }
        this.#isWanted = false;
        // A copy: the app may change what it is given, and the body may be sent again.
        const more = this.#into.push(ownCopy(chunk));
        pump.report(chunk.length);
        if (!more && !this.#isWanted) await this.#room();
      }
    } catch (error) {
      // An error that a source throws because it was told to stop is dropped.
      if (!pump.isStopped) this.#listener.fails(error);
    }
  }

  /** Resolves when the app takes more, or when the upload is stopped. */
  async #room(): Promise<void> {
    if (this.#pump.isStopped) return;
    this.#listener.waitsForApp();
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    if (!this.#pump.isStopped) this.#listener.appTook();
  }

  #end(): void {
    if (this.#pump.isStopped) return;
    this.#into.complete = true;
    this.#into.push(null);
    this.#listener.done();
  }
}

/** Larger pieces are cut, so that the app's buffer stays small. */
export const MAX_CHUNK_BYTES: number = 64 * 1024;

/** A streamed request body on its way into an app's IncomingMessage: piece by piece, as the app reads it. */

import type { Readable } from 'node:stream';
import type { StreamBody } from '../../../request/body.js';
import { toChunk } from '../../../request/body.js';
import type { DispatchOptions } from '../../dispatch.js';
import { ownCopy } from '../../../own-memory.js';

/** Whom it tells where it stands. */
export interface UploadListener {
  fails(error: unknown): void;
  waitsForApp(): void;
  appTook(): void;
  waitsForSource(): void;
  done(): void;
}

export class Upload {
  #body: StreamBody;
  #into: Readable & { complete?: boolean };
  #onProgress: DispatchOptions['onUploadProgress'];
  #listener: UploadListener;
  #producer: AsyncIterator<unknown> | Iterator<unknown> | null = null;
  #rest: Buffer = NOTHING;
  #isWanted = false;
  #wake: (() => void) | null = null;
  #isStopped = false;
  #sent = 0;

  constructor(
    body: StreamBody,
    into: Readable & { complete?: boolean },
    onProgress: DispatchOptions['onUploadProgress'],
    listener: UploadListener,
  ) {
    this.#body = body;
    this.#into = into;
    this.#onProgress = onProgress;
    this.#listener = listener;
  }

  /** The app takes more. */
  resume(): void {
    this.#isWanted = true;
    this.#wake?.();
  }

  /** No more is wanted: the source is told once, and not waited for. */
  stop(): void {
    this.#isStopped = true;
    this.#wake?.();
    const producer = this.#producer;
    this.#producer = null;
    this.#rest = NOTHING;
    // In a microtask: a generator that ends its own exchange is still running now.
    if (producer !== null)
      void Promise.resolve()
        .then(() => producer.return?.())
        .catch(() => {});
  }

  /** One loop from the beginning to the end, so that the source runs in the caller's AsyncLocalStorage throughout. */
  async start(): Promise<void> {
    try {
      this.#producer = this.#body.open();
      while (!this.#isStopped) {
        if (this.#rest.length === 0 && !(await this.#next())) break;
        if (this.#isStopped) break;
        // A copy: the app may change what it is given, and the body may be sent again.
        const piece = ownCopy(this.#rest.subarray(0, MAX_CHUNK_BYTES));
        this.#rest = this.#rest.subarray(piece.length);
        if (piece.length === 0) continue;
        this.#isWanted = false;
        const more = this.#into.push(piece);
        this.#sent += piece.length;
        this.#onProgress?.(this.#sent, this.#body.length);
        if (!more && !this.#isWanted) await this.#room();
      }
    } catch (error) {
      // An error that a source throws because it was told to stop is dropped.
      if (!this.#isStopped) this.#listener.fails(error);
    }
  }

  /** Resolves when the app takes more, or when the upload is stopped. */
  async #room(): Promise<void> {
    if (this.#isStopped) return;
    this.#listener.waitsForApp();
    await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#wake = null;
    if (!this.#isStopped) this.#listener.appTook();
  }

  /** Fetches a piece; false at the end. */
  async #next(): Promise<boolean> {
    this.#listener.waitsForSource();
    try {
      const { done, value } = await (this.#producer as AsyncIterator<unknown>).next();
      if (!done) {
        this.#rest = toChunk(value);
        return true;
      }
    } catch (error) {
      this.#producer = null;
      throw error;
    }
    this.#producer = null;
    if (this.#isStopped) return false;
    this.#into.complete = true;
    this.#into.push(null);
    this.#listener.done();
    return false;
  }
}

/** Larger pieces are cut, so that progress is told and the app's buffer stays small. */
const MAX_CHUNK_BYTES = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

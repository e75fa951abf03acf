/** The body of undici's `request()`: a Readable with the methods of Fetch's body mixin. */

import type { Blob as NodeBlob } from 'node:buffer';
import { Readable } from 'node:stream';
import { arrayBuffer, blob, json, text } from 'node:stream/consumers';
import { bare } from '../../bare.js';
import { NotSupportedError, RequestAbortedError } from './errors.js';

export class BodyReadable extends Readable {
  #type: string;
  #abort: (reason?: Error) => void;
  #isUsed = false;
  #web: ReadableStream | null = null;

  constructor(options: { resume(): void; abort(reason?: Error): void; type: string; highWaterMark?: number }) {
    const { highWaterMark = 64 * 1024 } = options;
    super(bare({ read: () => options.resume(), highWaterMark, autoDestroy: true }));
    this.#type = options.type;
    this.#abort = options.abort;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const reason = error ?? (this.readableEnded ? null : new RequestAbortedError());
    if (!this.readableEnded) this.#abort(reason ?? undefined);
    // A caller that destroys it in the same turn still gets to listen.
    setImmediate(() => callback(reason));
  }

  get bodyUsed(): boolean {
    return this.#isUsed || this.readableDidRead;
  }

  /** The ReadableStream, the same one each time. Of undici's own type, that of a body that there never is. */
  get body(): never {
    return (this.#web ??= Readable.toWeb(this) as unknown as ReadableStream) as never;
  }

  async text(): Promise<string> {
    return text(this.#use());
  }

  async json(): Promise<unknown> {
    return json(this.#use());
  }

  /** Of Node's type, as undici's own is: where a program has the DOM's types as well, they are two. */
  async blob(): Promise<NodeBlob> {
    const whole = await blob(this.#use());
    return new Blob([whole as unknown as Blob], { type: this.#type });
  }

  async bytes(): Promise<Uint8Array> {
    return new Uint8Array(await arrayBuffer(this.#use()));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    return arrayBuffer(this.#use());
  }

  async formData(): Promise<never> {
    throw new NotSupportedError();
  }

  /** Reads and drops at most `limit` bytes (128 KiB), so that the connection can serve again. */
  async dump(options: { limit?: number; signal?: AbortSignal } = {}): Promise<void> {
    const { limit = 128 * 1024, signal } = options;
    signal?.throwIfAborted();
    if (this.readableEnded || this.destroyed) return;
    let size = 0;
    await new Promise<void>((resolve, reject) => {
      const onAbort = () => this.destroy(signal?.reason as Error);
      signal?.addEventListener('abort', onAbort);
      this.on('error', () => {})
        .on('data', (chunk: Buffer) => {
          size += chunk.length;
          if (size > limit) this.destroy();
        })
        .once('close', () => {
          signal?.removeEventListener('abort', onAbort);
          if (signal?.aborted) reject(signal.reason as Error);
          else resolve();
        });
    });
  }

  #use(): this {
    if (this.bodyUsed) throw new TypeError('unusable');
    this.#isUsed = true;
    return this;
  }
}

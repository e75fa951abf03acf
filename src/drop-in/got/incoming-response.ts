/** A response shaped as Node's IncomingMessage; its body as it came, not decoded. */

import type { Response } from '../../response/response.js';
import { nodeFieldsOf } from '../header-fields.js';
import { ResponseReadable } from '../readable.js';
import { toNodeError } from '../system-error.js';
import type { OutgoingRequest } from './outgoing-request.js';

export class IncomingResponse extends ResponseReadable {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: Record<string, string | string[]>;
  readonly httpVersion: string;
  readonly req: OutgoingRequest;
  /** As Node's: the request-target is the request's to know. */
  readonly url = '';
  trailers: Record<string, string> = {};
  rawTrailers: string[] = [];
  complete = false;
  aborted = false;
  #response: Response;
  #rawHeaders: string[] | null = null;
  #onProgress: () => void;

  constructor(response: Response, request: OutgoingRequest, onProgress: () => void) {
    super(response);
    this.#response = response;
    this.#onProgress = onProgress;
    this.req = request;
    this.statusCode = response.statusCode;
    this.statusMessage = response.reasonPhrase;
    this.headers = nodeFieldsOf(response);
    this.httpVersion = response.httpVersion.replace(/^HTTP\//, '').replace(/^2$/, '2.0');
    this.once('end', () => this.#onEnd());
  }

  /** Names and values in turn, as they came. */
  get rawHeaders(): string[] {
    return (this.#rawHeaders ??= this.#response.headers.raw.flat());
  }

  get socket(): unknown {
    return this.req.socket;
  }

  get connection(): unknown {
    return this.req.socket;
  }

  setTimeout(ms: number, callback?: () => void): this {
    this.req.setTimeout(ms, callback);
    return this;
  }

  protected override toError(error: unknown): unknown {
    return toNodeError(error);
  }

  protected override onChunk(): void {
    this.#onProgress();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    if (!this.complete && !this.readableEnded) {
      this.aborted = true;
      this.emit('aborted');
    }
    super._destroy(error, callback);
  }

  #onEnd(): void {
    this.complete = true;
    const { trailers } = this.#response;
    this.trailers = Object.fromEntries(trailers);
    this.rawTrailers = trailers.raw.flat();
  }
}

/** A response shaped as Node's IncomingMessage; its body as it came, not decoded. */

import type { Response } from '../../response/response.js';
import { rawChunks, ResponseReadable } from '../readable.js';
import { toNodeError } from '../system-error.js';
import type { OutgoingRequest } from './outgoing-request.js';

export class IncomingResponse extends ResponseReadable {
  readonly statusCode: number;
  readonly statusMessage: string;
  readonly headers: Record<string, string | string[]>;
  readonly rawHeaders: string[];
  readonly httpVersion: string;
  readonly req: OutgoingRequest;
  /** As Node's: the request-target is the request's to know. */
  readonly url = '';
  trailers: Record<string, string> = {};
  rawTrailers: string[] = [];
  complete = false;
  aborted = false;
  #response: Response;

  constructor(response: Response, request: OutgoingRequest, onProgress: () => void) {
    super(response, watched(response, onProgress));
    this.#response = response;
    this.req = request;
    this.statusCode = response.statusCode;
    this.statusMessage = response.reasonPhrase;
    this.headers = Object.fromEntries(response.headers);
    const cookies = response.headers.getList('set-cookie');
    if (cookies.length > 0) this.headers['set-cookie'] = cookies;
    this.rawHeaders = response.headers.raw.flat();
    this.httpVersion = response.httpVersion.replace(/^HTTP\//, '').replace(/^2$/, '2.0');
    this.once('end', () => this.#onEnd());
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

async function* watched(response: Response, onProgress: () => void): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of rawChunks(response)) {
      onProgress();
      yield chunk;
    }
  } catch (error) {
    throw toNodeError(error);
  }
}

/** One exchange with a fetch handler: its Request, its Response, and the body that is pulled from it. */

import { StreamBody, toChunk } from '../../../request/body.js';
import { NetworkError, RemoteProtocolError } from '../../../errors.js';
import { typeName } from '../../../shown-text.js';
import { requestFailure } from '../../../request-failure.js';
import type { AppHead } from '../exchange.js';
import { ignore, WebExchange } from './web-exchange.js';
import type { AppRequest } from './request.js';
import { abortRequest, toAppRequest } from './request.js';
import type { Watch } from './errors.js';
import { hearErrors } from './errors.js';
import { isResponse } from '../kind.js';
import { toLength } from '../node/head.js';
import { ownCopy, ownText } from '../../../own-memory.js';

export class FetchExchange extends WebExchange {
  #raises: boolean;
  #watch: Watch | null;
  #asked: AppRequest | null = null;
  #heard: { error: unknown } | null = null;
  #head: FetchHead | null = null;

  /** @param watch Of the app, told when its handler begins and ends. */
  constructor(request: WebExchange['request'], options: WebExchange['options'], raises: boolean, watch: Watch | null) {
    super(request, options);
    this.#raises = raises;
    this.#watch = watch;
  }

  /** Calls the handler. What cannot be asked throws; what the handler throws is its own. */
  call(handler: (asked: globalThis.Request, context: unknown) => unknown, path: string, headerLines: string): void {
    const { body } = this.request;
    const { onUploadProgress } = this.options;
    const sent = body instanceof StreamBody ? this.streamed(body) : body;
    const asked = toAppRequest(this.request, path, headerLines, sent);
    this.#asked = asked;
    if (this.#raises) hearErrors(asked, (error) => (this.#heard = { error }));
    let answer: unknown;
    let isLater = false;
    this.#watch?.begin();
    try {
      answer = handler(asked, CONTEXT);
      if (typeof (answer as PromiseLike<unknown> | undefined)?.then === 'function') {
        this.startReadTimer();
        (answer as PromiseLike<unknown>).then(
          (response) => this.#answered(response),
          (error: unknown) => this.#thrown(error),
        );
        isLater = true;
      }
    } catch (error) {
      this.#thrown(error);
      return;
    }
    if (body !== null && !(body instanceof StreamBody)) onUploadProgress?.(body.length, body.length);
    if (!isLater) this.#answered(answer);
  }

  /** A reader that is stuck is told as well, so that it fails and does not hang. */
  protected override dropped(reason: unknown): void {
    if (this.#asked !== null) abortRequest(this.#asked, reason);
    super.dropped(reason);
  }

  #thrown(error: unknown): void {
    this.#watch?.end();
    if (this.isOver) return;
    if (this.#raises) {
      this.fail(error);
    } else {
      this.#head = new FetchHead(500, '', 'content-length\n0\n', this.request.method);
      if (this.begin(this.#head)) this.ended();
    }
  }

  #answered(answer: unknown): void {
    this.#watch?.end();
    const response = answer as globalThis.Response;
    if (this.isOver) {
      discard(response);
      return;
    }
    try {
      this.#take(response);
    } catch (error) {
      this.fail(error);
    }
  }

  #take(response: globalThis.Response): void {
    const { request } = this;
    if (!isResponse(response)) {
      const what =
        response === undefined || response === null
          ? 'The app returned without answering: its handler gave no Response'
          : `The app did not answer: its handler gave no Response, but ${typeName(response)}`;
      throw requestFailure(RemoteProtocolError, what, { request });
    }
    if (response.status === 0) {
      // What MSW's HttpResponse.error() gives, too: the network failed.
      throw requestFailure(NetworkError, 'The app answered with Response.error()', { request });
    }
    if (this.#heard !== null && response.status >= 500) {
      discard(response);
      this.fail(this.#heard.error);
      return;
    }
    if (response.bodyUsed || response.body?.locked) {
      throw requestFailure(RemoteProtocolError, 'The app answered with a Response whose body is read already', {
        request,
      });
    }
    let lines = '';
    for (const [name, value] of response.headers) lines += `${name}\n${value}\n`;
    const head = new FetchHead(response.status, response.statusText, lines, request.method);
    this.#head = head;
    this.take(head, response.body);
  }

  protected broken(error: unknown): void {
    if (this.#raises) this.fail(error);
    else this.#cut('The app failed in the midst of its response', error);
  }

  /** A copy: the app may go on using its buffer. Text is taken as Node's adapters take it (Elysia's generators give it). */
  protected toChunk(value: unknown): Buffer | null {
    if (typeof value === 'string') return ownText(value);
    if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) return ownCopy(toChunk(value));
    this.#cut(`The app's body has a piece that is neither bytes nor text, but ${typeName(value)}`, undefined);
    return null;
  }

  protected override ended(): void {
    const { received } = this;
    const { contentLength, isBodiless } = this.#head as FetchHead;
    if (contentLength !== null && !isBodiless && received !== contentLength) {
      const said = Number.isNaN(contentLength) ? 'no length' : contentLength;
      this.#cut(`The app sent ${received} bytes, its Content-Length is ${said}`, undefined);
    } else {
      super.ended();
    }
  }

  #cut(message: string, cause: unknown): void {
    this.fail(
      requestFailure(RemoteProtocolError, message, {
        request: this.request,
        ...(cause === undefined ? {} : { cause }),
      }),
    );
  }
}

class FetchHead implements AppHead {
  readonly isBodiless: boolean;

  constructor(
    readonly statusCode: number,
    readonly reason: string,
    readonly headerLines: string,
    method: string,
  ) {
    this.isBodiless = method === 'HEAD' || statusCode === 204 || statusCode === 304;
  }

  get contentEncoding(): string | undefined {
    return /(?:^|\n)content-encoding\n([^\n]*)/.exec(this.headerLines)?.[1];
  }

  /** NaN for what is no length. */
  get contentLength(): number | null {
    const found = /(?:^|\n)content-length\n([^\n]*)\n/.exec(this.headerLines);
    return found === null ? null : toLength(found[1]);
  }
}

/** Cancels the body of a response that will not be read, so that its source is told. */
function discard(response: globalThis.Response | undefined): void {
  if (isResponse(response) && response.body && !response.body.locked) response.body.cancel().catch(ignore);
}

/** The third argument of a Workers handler. What it waits for may go on when the answer is out; its errors are its own. */
const CONTEXT = Object.freeze({
  waitUntil(promise: unknown): void {
    Promise.resolve(promise).catch(ignore);
  },
  passThroughOnException(): void {},
  props: Object.freeze({}),
});

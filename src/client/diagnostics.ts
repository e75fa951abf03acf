/**
 * Diagnostics: `node:diagnostics_channel` and the one-line log. Each exchange is reported on its own, redirects and answers to
 * challenges included; without a subscriber an exchange costs one check.
 *
 *   whippet:request:start      { request }                            before it is sent: headers may be added
 *   whippet:request:response   { request, response, timings, peer }   at the head
 *   whippet:request:end        { request, response, timings, peer }   at the end of the body
 *   whippet:request:error      { request, error, timings, peer }      instead of end, as far as it came
 *
 * The same on `undici:request:create`, `undici:client:sendHeaders` (told at the head, when the connection's protocol is known),
 * `undici:request:bodySent`, `headers`, `trailers` and `error`, with a request and a response in the shapes of undici: what
 * OpenTelemetry and other agents listen to, and where they inject `traceparent`.
 */

import { channel } from 'node:diagnostics_channel';
import { HTTPError, StreamClosed } from '../errors.js';
import type { Headers } from '../headers.js';
import type { Observer } from '../response/observed-source.js';
import { ObservedSource } from '../response/observed-source.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { ownText } from '../own-memory.js';
import { withoutSecrets } from '../request-secrets.js';

/** Whether any channel has a subscriber. */
export function isWatched(): boolean {
  return (
    start.hasSubscribers ||
    create.hasSubscribers ||
    responseHead.hasSubscribers ||
    headers.hasSubscribers ||
    end.hasSubscribers ||
    trailers.hasSubscribers ||
    failed.hasSubscribers ||
    error.hasSubscribers ||
    bodySent.hasSubscribers ||
    sendHeaders.hasSubscribers
  );
}

/** One exchange, told step by step. It ends once, in `end` or in `failed`. */
export class ExchangeTrace {
  #request: Request;
  #undici: UndiciRequest;
  #isOver = false;

  /** Publishes the beginning; what subscribers add to the headers is in the request afterwards. */
  constructor(request: Request) {
    this.#request = request;
    this.#undici = new UndiciRequest(request);
    if (start.hasSubscribers) start.publish({ request });
    if (create.hasSubscribers) {
      const given = [...this.#undici.headers];
      create.publish({ request: this.#undici });
      takeOver(this.#undici.headers, given, request);
    }
  }

  /** At the head; its body tells its end by itself. */
  onResponse(response: Response): void {
    const request = this.#request;
    this.#undici.completed = true;
    if (sendHeaders.hasSubscribers) sendHeaders.publish(sentHeaders(this.#undici, request, response));
    if (bodySent.hasSubscribers) bodySent.publish({ request: this.#undici });
    if (responseHead.hasSubscribers) responseHead.publish(ended(request, response));
    if (headers.hasSubscribers) {
      const { statusCode, reasonPhrase: statusText } = response;
      const shape = { statusCode, statusText, headers: rawOf(response.headers) };
      headers.publish({ request: this.#undici, response: shape });
    }
    if (response.isClosed) this.#ended(response);
    else response.wrapBody((source) => new ObservedSource(source, this.#observer(response)));
  }

  onError(reason: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#undici.aborted = true;
    if (failed.hasSubscribers) {
      const { timings, peer } = reason instanceof HTTPError ? reason : NOTHING_KNOWN;
      failed.publish({ request: this.#request, error: reason, timings, peer });
    }
    if (error.hasSubscribers) error.publish({ request: this.#undici, error: asError(reason) });
  }

  #observer(response: Response): Observer {
    return {
      onEnd: () => this.#ended(response),
      onError: (reason) => {
        this.onError(reason);
        return reason;
      },
      onCancel: () => this.onError(new StreamClosed('The response was closed before its end', { response })),
    };
  }

  #ended(response: Response): void {
    if (this.#isOver) return;
    this.#isOver = true;
    if (end.hasSubscribers) end.publish(ended(this.#request, response));
    if (trailers.hasSubscribers) trailers.publish({ request: this.#undici, trailers: rawOf(response.trailers) });
  }
}

/** A request as undici shows its own: a flat list of headers, and `addHeader` for what is to be sent as well. */
class UndiciRequest {
  readonly origin: string;
  readonly path: string;
  readonly method: string;
  readonly headers: string[];
  readonly host: string | null;
  readonly contentType: string | null;
  readonly contentLength: number | null;
  readonly upgrade = false;
  completed = false;
  aborted = false;

  constructor({ method, url, headers }: Request) {
    this.origin = url.origin;
    this.path = url.fullPath;
    this.method = method;
    this.headers = headers.raw.flat();
    this.host = headers.get('host') ?? null;
    this.contentType = headers.get('content-type') ?? null;
    const length = headers.get('content-length');
    this.contentLength = length === undefined ? null : Number(length);
  }

  addHeader(name: string, value: string): this {
    this.headers.push(name, value);
    return this;
  }
}

/** What subscribers made of the list: what they added replaces what had its name; if they changed the rest, theirs is sent. */
function takeOver(list: readonly unknown[], given: readonly string[], request: Request): void {
  const texts = list.map(String);
  const isKept = given.every((text, i) => texts[i] === text);
  const pairs: [string, string][] = [];
  for (let i = isKept ? given.length : 0; i + 1 < texts.length; i += 2) pairs.push([texts[i], texts[i + 1]]);
  if (isKept) for (const [name, value] of pairs) request.headers.set(name, value);
  else request.headers = pairs;
}

function ended(request: Request, response: Response): object {
  const { timings, peer } = response;
  return { request, response, timings, peer };
}

/** What agents look at of a socket. An app has none, nor has a unix socket an address. */
function sentHeaders(request: UndiciRequest, { headers }: Request, { httpVersion, peer }: Response): object {
  const lines = headers.raw.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const alpnProtocol = httpVersion === 'HTTP/2' ? 'h2' : 'http/1.1';
  const socket = {
    remoteAddress: peer?.address,
    remotePort: peer?.port,
    localAddress: peer?.localAddress,
    localPort: peer?.localPort,
    alpnProtocol,
  };
  return { request, headers: `${request.method} ${request.path} HTTP/1.1\r\n${lines}`, socket };
}

/** Agents read `error.name` of whatever it is, and what they throw ends the process. Giving up a body is undici's AbortError. */
function asError(reason: unknown): Error {
  if (reason instanceof Error && !(reason instanceof StreamClosed)) return reason;
  const aborted = new Error('Request aborted', { cause: reason });
  return Object.assign(aborted, { name: 'AbortError', code: 'UND_ERR_ABORTED' });
}

function rawOf(headers: Headers): Buffer[] {
  return headers.raw.flat().map((text) => ownText(text, 'latin1'));
}

/** Whether HTTPX_DEBUG or WHIPPET_DEBUG asks for the log. */
export function wantsLog(): boolean {
  const { WHIPPET_DEBUG, HTTPX_DEBUG } = process.env;
  return [WHIPPET_DEBUG, HTTPX_DEBUG].some((value) => value !== undefined && yes.test(value));
}

/** One line on stderr, the password in the URL masked: `21:04:59.123 - whippet - HTTP Request: GET http://… "HTTP/1.1 200 OK"` */
export function logExchange(request: Request, outcome: Response | Error): void {
  const time = new Date().toTimeString().slice(0, 8);
  const ms = String(Date.now() % 1000).padStart(3, '0');
  if ('statusCode' in outcome) outcome.tellSecrets();
  const said =
    'statusCode' in outcome
      ? `${outcome.httpVersion} ${outcome.statusCode} ${withoutSecrets(outcome.reasonPhrase, request)}`.trimEnd()
      : String(outcome.name);
  const text = `${time}.${ms} - whippet - HTTP Request: ${request.method} ${request.url.toSafeString()} "${printable(said)}"\n`;
  process.stderr.write(text);
}

/** What a server wrote must not move a terminal's cursor. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?');
}

const NOTHING_KNOWN: Pick<HTTPError, 'timings' | 'peer'> = Object.freeze({ timings: undefined, peer: undefined });
const yes = /^(1|true|yes|on|debug|trace)$/i;
const start = channel('whippet:request:start');
const responseHead = channel('whippet:request:response');
const end = channel('whippet:request:end');
const failed = channel('whippet:request:error');
const create = channel('undici:request:create');
const sendHeaders = channel('undici:client:sendHeaders');
const bodySent = channel('undici:request:bodySent');
const headers = channel('undici:request:headers');
const trailers = channel('undici:request:trailers');
const error = channel('undici:request:error');

/** One request of axios: from its configuration to a response or an error as its own http adapter has them. */

import { Readable } from 'node:stream';
import type { Client } from '../../client/client.js';
import { Aborter } from '../../dispatch/aborter.js';
import { HTTPError, NetworkError, ReadTimeout, RemoteProtocolError, TimeoutException } from '../../errors.js';
import { Headers } from '../../headers.js';
import { ownJoin, ownText } from '../../own-memory.js';
import { Request } from '../../request/request.js';
import { mayKeepAuth } from '../../response/next-request.js';
import type { Response } from '../../response/response.js';
import { MAX_TIMER_MS } from '../../timeout.js';
import { URL } from '../../url/url.js';
import { nodeFieldsOf } from '../header-fields.js';
import { rawChunks, ResponseReadable } from '../readable.js';
import type { DerivedClients } from '../derived-clients.js';
import { clientOptionsOf } from './client-options.js';
import { paced, Progress } from './progress.js';
import { rateOf, Upload } from './upload.js';
import type { Axios, AxiosConfig, AxiosRequest, AxiosResponse } from './types.js';

export class AxiosCall {
  #axios: Axios;
  #clients: DerivedClients;
  #config: AxiosConfig;
  #request: AxiosRequest | undefined;
  #ending = new Aborter();

  constructor(axios: Axios, clients: DerivedClients, config: AxiosConfig) {
    this.#axios = axios;
    this.#clients = clients;
    this.#config = config;
  }

  async run(): Promise<AxiosResponse> {
    const { signal, cancelToken, timeout = 0 } = this.#config;
    const cancel = (reason?: unknown) => {
      const isEvent = reason === undefined || reason === null || (reason as { type?: unknown }).type !== undefined;
      this.#ending.abort(isEvent ? new this.#axios.CanceledError(null, this.#config, this.#request) : reason);
    };
    const limit = this.#timeout(timeout);
    cancelToken?.subscribe(cancel);
    if (signal?.aborted) cancel();
    else signal?.addEventListener?.('abort', cancel);
    const timer = limit > 0 ? setTimeout(() => this.#ending.abort(this.#timedOut(limit)), limit) : undefined;
    let stream: Readable | null = null;
    const finish = () => {
      clearTimeout(timer);
      cancelToken?.unsubscribe(cancel);
      signal?.removeEventListener?.('abort', cancel);
    };
    try {
      this.#ending.throwIfAborted();
      const url = this.#axios.getUri(this.#config);
      if (/^data:/i.test(url)) return this.#settle(await this.#dataUrl(url));
      const response = await this.#follow(this.#toRequest(url));
      const answer = this.#toAnswer(response);
      if (this.#config.responseType === 'stream') stream = this.#stream(response, finish);
      answer.data = stream ?? (await this.#read(response));
      clearTimeout(timer);
      return this.#settle(answer);
    } catch (error) {
      // Unless the error brings it along.
      if (stream !== null && (error as { response?: AxiosResponse } | null)?.response?.data !== stream)
        stream.destroy();
      throw this.#toError(error);
    } finally {
      // A stream is cancelled until it has ended.
      if (stream === null) finish();
    }
  }

  #toRequest(address: string): Request {
    const { auth, method = 'get' } = this.#config;
    const url = new URL(address);
    if (url.scheme !== 'http' && url.scheme !== 'https') {
      throw new this.#axios.AxiosError(`Unsupported protocol ${url.scheme}:`, 'ERR_BAD_REQUEST', this.#config);
    }
    const headers = new Headers();
    for (const [name, value] of Object.entries(this.#config.headers.toJSON())) {
      for (const one of Array.isArray(value) ? value : [value]) headers.append(name, String(one));
    }
    if (this.#wantsDefault('user-agent', headers)) headers.set('User-Agent', `axios/${this.#axios.VERSION}`);
    if (this.#wantsDefault('accept-encoding', headers)) headers.set('Accept-Encoding', ACCEPT_ENCODING);
    const userinfo = auth ?? (url.userinfo === '' ? null : { username: url.username, password: url.password });
    if (userinfo !== null) {
      const pair = ownText(`${userinfo.username ?? ''}:${userinfo.password ?? ''}`).toString('base64');
      headers.set('Authorization', `Basic ${pair}`);
    }
    const { content } = new Upload(this.#axios, this.#config, headers, this.#ending);
    const target = url.userinfo === '' ? url : url.copyWith({ username: '', password: '' });
    if (content instanceof FormData) return new Request(method.toUpperCase(), target, { headers, data: content });
    return new Request(method.toUpperCase(), target, content === undefined ? { headers } : { headers, content });
  }

  /** False as a value is a header that is not sent. */
  #wantsDefault(name: string, headers: Headers): boolean {
    return !headers.has(name) && this.#config.headers.get?.(name) !== false;
  }

  #client(): Client {
    const own = clientOptionsOf(this.#axios, this.#config);
    try {
      return this.#clients.for(own);
    } catch (error) {
      throw this.#axios.AxiosError.from(error, 'ERR_BAD_OPTION', this.#config);
    }
  }

  /** Redirects are followed here, as `beforeRedirect` may change each of them. */
  async #follow(first: Request): Promise<Response> {
    const client = this.#client();
    const { maxRedirects = DEFAULT_REDIRECTS, beforeRedirect } = this.#config;
    // As the caller gave it, for as long as the redirects stay where it was meant for; those of a client's jar are not among them.
    let cookie = first.headers.get('cookie');
    let request = first;
    for (let followed = 0; ; followed++) {
      const { url, method } = request;
      this.#request = { method, protocol: `${url.scheme}:`, host: url.host, path: url.fullPath };
      const response = await client.sendOnce(request, { signal: this.#ending.asSignal });
      if (maxRedirects === 0 || !response.hasRedirectLocation) return response;
      await dropped(response);
      if (followed === maxRedirects) {
        throw this.#redirectError('ERR_FR_TOO_MANY_REDIRECTS', 'Maximum number of redirects exceeded');
      }
      try {
        const next = response.nextRequest as Request;
        const { scheme } = next.url;
        if (scheme !== 'http' && scheme !== 'https') throw new Error(`Unsupported protocol ${scheme}:`);
        if (!mayKeepAuth(request.url, next.url)) cookie = undefined;
        if (cookie !== undefined && !next.headers.has('cookie')) next.headers.set('Cookie', cookie);
        if (beforeRedirect !== undefined) await applyHook(beforeRedirect, request, response, next);
        request = next;
      } catch (error) {
        const { message } = error as Error;
        throw this.#redirectError('ERR_FR_REDIRECTION_FAILURE', `Redirected request failed: ${message}`, error);
      }
    }
  }

  /** Named as follow-redirects names it. */
  #redirectError(code: string, message: string, cause?: unknown): Error {
    const plain = Object.assign(new Error(message, cause === undefined ? undefined : { cause }), {
      code,
      name: `Error [${code}]`,
    });
    return this.#axios.AxiosError.from(plain, code, this.#config, this.#request);
  }

  #toAnswer(response: Response): AxiosResponse & { data: unknown } {
    const headers = nodeFieldsOf(response);
    // What is decoded has no coding any more.
    if (this.#config.decompress !== false) delete headers['content-encoding'];
    const request = this.#request as AxiosRequest;
    const { statusCode, reasonPhrase } = response;
    request.res = {
      responseUrl: String(response.url.copyWith({ fragment: '' })).replace(/#$/, ''),
      statusCode,
      statusMessage: reasonPhrase,
    };
    return { status: statusCode, statusText: reasonPhrase, headers, config: this.#config, request, data: undefined };
  }

  #chunks(response: Response): AsyncGenerator<Buffer> {
    const raw = this.#config.decompress === false;
    const declared = response.headers.get('content-length');
    const isKnown =
      declared !== undefined && /^\d+$/.test(declared) && (raw || !response.headers.has('content-encoding'));
    const progress = new Progress(this.#config.onDownloadProgress, 'download', isKnown ? Number(declared) : null);
    const chunks = raw ? rawChunks(response) : response.iterBytes();
    return this.#bounded(paced(chunks, progress, rateOf(this.#config, 1), this.#ending));
  }

  async *#bounded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const { maxContentLength = -1 } = this.#config;
    let size = 0;
    for await (const chunk of chunks) {
      size += chunk.length;
      if (maxContentLength > -1 && size > maxContentLength) {
        const message = `maxContentLength size of ${maxContentLength} exceeded`;
        throw new this.#axios.AxiosError(message, 'ERR_BAD_RESPONSE', this.#config, this.#request);
      }
      yield chunk;
    }
  }

  #stream(response: Response, finish: () => void): Readable {
    const toError = (error: unknown) => this.#toError(error);
    const chunks = this.#chunks(response);
    async function* translated(): AsyncGenerator<Buffer> {
      try {
        yield* chunks;
      } catch (error) {
        throw toError(error);
      }
    }
    const stream = new ResponseReadable(response, translated());
    // At once, read or not.
    this.#ending.listen(() => stream.destroy(this.#ending.reason as Error));
    stream.once('close', () => {
      finish();
      // What waits for its turn (`maxRate`) waits no more.
      this.#ending.abort(undefined);
    });
    return stream;
  }

  async #read(response: Response): Promise<unknown> {
    const whole = this.#atHand(response);
    if (whole !== null) return this.#converted(whole);
    const pieces: Buffer[] = [];
    try {
      for await (const chunk of this.#chunks(response)) pieces.push(chunk);
    } finally {
      await response.close();
    }
    return this.#converted(pieces.length === 1 ? pieces[0] : ownJoin(pieces));
  }

  /** The body, where it is there and nothing has to be told or slowed down. */
  #atHand(response: Response): Buffer | null {
    const { maxContentLength = -1, onDownloadProgress } = this.#config;
    const isPlain =
      maxContentLength === -1 && onDownloadProgress === undefined && rateOf(this.#config, 1) === undefined;
    return isPlain ? response.takeAtHand() : null;
  }

  #converted(body: Buffer): unknown {
    const { responseType, responseEncoding } = this.#config;
    if (responseType === 'arraybuffer') return body;
    const text = body.toString((responseEncoding ?? 'utf8') as BufferEncoding);
    const isUtf8 = responseEncoding === undefined || /^utf-?8$/i.test(responseEncoding);
    return isUtf8 && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  }

  /** Decoded by the platform, which knows the form of such URLs. */
  async #dataUrl(url: string): Promise<AxiosResponse> {
    const { method = 'get', responseType, maxContentLength = -1 } = this.#config;
    const request: AxiosRequest = { method: method.toUpperCase(), protocol: 'data:', host: '', path: '' };
    const base = { headers: {}, config: this.#config, request };
    if (request.method !== 'GET') return { ...base, status: 405, statusText: 'method not allowed', data: undefined };
    let bytes: Buffer;
    let type: string;
    try {
      const response = await globalThis.fetch(url);
      bytes = Buffer.from(await response.arrayBuffer());
      type = response.headers.get('content-type') ?? '';
    } catch (error) {
      throw this.#axios.AxiosError.from(error, 'ERR_BAD_REQUEST', this.#config);
    }
    if (maxContentLength > -1 && bytes.length > maxContentLength) {
      const message = `maxContentLength size of ${maxContentLength} exceeded`;
      throw new this.#axios.AxiosError(message, 'ERR_BAD_RESPONSE', this.#config);
    }
    const data =
      responseType === 'blob'
        ? new Blob([bytes], { type })
        : responseType === 'stream'
          ? Readable.from([bytes])
          : responseType === 'text'
            ? this.#converted(bytes)
            : bytes;
    return { ...base, status: 200, statusText: 'OK', data };
  }

  #settle(response: AxiosResponse): AxiosResponse {
    const { validateStatus } = this.#config;
    if (!response.status || !validateStatus || validateStatus(response.status)) return response;
    const isClientError = response.status >= 400 && response.status < 500;
    throw new this.#axios.AxiosError(
      `Request failed with status code ${response.status}`,
      isClientError ? 'ERR_BAD_REQUEST' : 'ERR_BAD_RESPONSE',
      this.#config,
      response.request,
      response,
    );
  }

  #toError(error: unknown): unknown {
    if (!(error instanceof HTTPError)) return error;
    // By the name that Node's errors have; ours is the cause of its cause.
    const code = codeOf(error);
    const plain = Object.assign(new Error(error.message, { cause: error }), { code });
    return this.#axios.AxiosError.from(plain, code, this.#config, this.#request);
  }

  #timeout(given: unknown): number {
    const ms = Number(given);
    if (Number.isNaN(ms)) {
      const message = 'error trying to parse `config.timeout` to int';
      throw new this.#axios.AxiosError(message, 'ERR_BAD_OPTION_VALUE', this.#config);
    }
    return Math.min(ms, MAX_TIMER_MS);
  }

  #timedOut(limit: number): Error {
    const { timeoutErrorMessage, transitional } = this.#config;
    const code = transitional?.clarifyTimeoutError ? 'ETIMEDOUT' : 'ECONNABORTED';
    const message = timeoutErrorMessage || `timeout of ${limit}ms exceeded`;
    return new this.#axios.AxiosError(message, code, this.#config, this.#request);
  }
}

/** Node's names where Node would have had one. */
function codeOf(error: HTTPError): string {
  if (error instanceof NetworkError && /^E[A-Z]+$/.test(error.code)) return error.code;
  if (error instanceof ReadTimeout) return 'ECONNABORTED';
  if (error instanceof TimeoutException) return 'ETIMEDOUT';
  if (error instanceof RemoteProtocolError || error instanceof NetworkError) return 'ECONNRESET';
  return error.code;
}

/** The options that `beforeRedirect` sees, and may change the headers of. */
async function applyHook(
  hook: NonNullable<AxiosConfig['beforeRedirect']>,
  request: Request,
  response: Response,
  next: Request,
): Promise<void> {
  const { url, method } = next;
  const headers = Object.fromEntries(next.headers.raw);
  const options = {
    href: String(url),
    protocol: `${url.scheme}:`,
    hostname: url.host,
    port: url.port ?? undefined,
    path: url.fullPath,
    method,
    headers: { ...headers },
  };
  const details = { headers: Object.fromEntries(response.headers), statusCode: response.statusCode };
  // The promise of an async one is awaited, and its rejection what it throws.
  await hook(options, details, {
    headers: Object.fromEntries(request.headers),
    url: String(request.url),
    method: request.method,
  });
  for (const name of Object.keys(headers)) if (!(name in options.headers)) next.headers.delete(name);
  for (const [name, value] of Object.entries(options.headers))
    if (headers[name] !== value) next.headers.set(name, String(value));
}

/** A short body is read, so that its connection serves again; any other is given up. */
async function dropped(response: Response): Promise<void> {
  const declared = Number(response.headers.get('content-length') ?? Number.NaN);
  try {
    if (declared <= MAX_DRAINED_BYTES) await response.read();
  } catch {
    // The redirect is followed anyway.
  }
  await response.close();
}

const ACCEPT_ENCODING = 'gzip, deflate, br, zstd';
/** follow-redirects', which axios leaves as it is. */
const DEFAULT_REDIRECTS = 21;
const MAX_DRAINED_BYTES = 64 * 1024;

/** One request of axios: from its configuration to a response or an error as its own http adapter has them. */

import { Readable } from 'node:stream';
import type { Client } from '../../client/client.js';
import { HTTPError, NetworkError, ReadTimeout, RemoteProtocolError, TimeoutException } from '../../errors.js';
import { Headers } from '../../headers.js';
import { Request } from '../../request/request.js';
import type { Response } from '../../response/response.js';
import type { ContentTypes } from '../../types.js';
import { URL } from '../../url/url.js';
import { rawChunks } from '../readable.js';
import type { DerivedClients } from '../derived-clients.js';
import { clientOptionsOf } from './client-options.js';
import { paced, Progress } from './progress.js';
import type { Axios, AxiosConfig, AxiosRequest, AxiosResponse } from './types.js';

export class AxiosCall {
  #axios: Axios;
  #clients: DerivedClients;
  #config: AxiosConfig;
  #request: AxiosRequest | undefined;
  #ending = new AbortController();

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
    cancelToken?.subscribe(cancel);
    if (signal?.aborted) cancel();
    else signal?.addEventListener('abort', cancel);
    const limit = this.#timeout(timeout);
    const timer = limit > 0 ? setTimeout(() => this.#ending.abort(this.#timedOut(limit)), limit) : undefined;
    let isStream = false;
    const finish = () => {
      clearTimeout(timer);
      cancelToken?.unsubscribe(cancel);
      signal?.removeEventListener('abort', cancel);
    };
    try {
      this.#ending.signal.throwIfAborted();
      const url = this.#axios.getUri(this.#config);
      if (/^data:/i.test(url)) return this.#settle(await this.#dataUrl(url));
      const response = await this.#follow(this.#toRequest(url));
      const answer = this.#toAnswer(response);
      isStream = this.#config.responseType === 'stream';
      answer.data = isStream ? this.#stream(response, finish) : await this.#read(response);
      if (isStream) clearTimeout(timer);
      return this.#settle(answer);
    } catch (error) {
      throw this.#toError(error);
    } finally {
      // A stream is cancelled until it has ended.
      if (!isStream) finish();
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
    if (!headers.has('user-agent')) headers.set('User-Agent', `axios/${this.#axios.VERSION}`);
    if (!headers.has('accept-encoding')) headers.set('Accept-Encoding', ACCEPT_ENCODING);
    const userinfo = auth ?? (url.userinfo === '' ? null : { username: url.username, password: url.password });
    if (userinfo !== null) {
      const pair = Buffer.from(`${userinfo.username ?? ''}:${userinfo.password ?? ''}`).toString('base64');
      headers.set('Authorization', `Basic ${pair}`);
    }
    const content = this.#body(headers);
    const target = url.userinfo === '' ? url : url.copyWith({ username: '', password: '' });
    if (content instanceof FormData) return new Request(method.toUpperCase(), target, { headers, data: content });
    return new Request(method.toUpperCase(), target, content === undefined ? { headers } : { headers, content });
  }

  #body(headers: Headers): ContentTypes | FormData | undefined {
    const { data } = this.#config;
    if (data === undefined || data === null) return undefined;
    if (data instanceof FormData) {
      // Its boundary is made when it is sent.
      headers.delete('content-type');
      return data;
    }
    if (typeof (data as { getHeaders?: unknown }).getHeaders === 'function') {
      const own = (data as { getHeaders(): Record<string, string> }).getHeaders();
      for (const [name, value] of Object.entries(own)) headers.set(name, value);
      return this.#upload(data as ContentTypes, null, headers);
    }
    if (typeof data === 'string') return this.#bytes(Buffer.from(data), headers);
    if (data instanceof ArrayBuffer) return this.#bytes(Buffer.from(data), headers);
    if (ArrayBuffer.isView(data))
      return this.#bytes(Buffer.from(data.buffer, data.byteOffset, data.byteLength), headers);
    if (data instanceof Blob) {
      headers.set('Content-Type', data.type === '' ? 'application/octet-stream' : data.type);
      return this.#upload(data.stream() as ContentTypes, data.size, headers);
    }
    if (isStream(data)) return this.#upload(data as ContentTypes, null, headers);
    const message = 'Data after transformation must be a string, an ArrayBuffer, a Buffer, or a Stream';
    throw new this.#axios.AxiosError(message, 'ERR_BAD_REQUEST', this.#config);
  }

  #bytes(bytes: Buffer, headers: Headers): ContentTypes {
    const { maxBodyLength = -1, onUploadProgress } = this.#config;
    if (maxBodyLength > -1 && bytes.length > maxBodyLength) throw this.#bodyTooLarge();
    if (onUploadProgress === undefined && this.#rate(0) === undefined) return bytes;
    return this.#upload(Readable.from(slices(bytes), { objectMode: false }), bytes.length, headers);
  }

  /** Watched while it is sent: its size, its progress, its rate. */
  #upload(source: ContentTypes, size: number | null, headers: Headers): ContentTypes {
    const declared = headers.get('content-length');
    const total = size ?? (declared !== undefined && /^\d+$/.test(declared) ? Number(declared) : null);
    if (total !== null) headers.set('Content-Length', String(total));
    const { maxBodyLength = -1, onUploadProgress } = this.#config;
    const isWatched = maxBodyLength > -1 || onUploadProgress !== undefined || this.#rate(0) !== undefined;
    if (!isWatched) return source;
    const progress = new Progress(onUploadProgress, 'upload', total);
    const tooLarge = () => this.#bodyTooLarge();
    async function* bounded(): AsyncGenerator<Buffer> {
      let sent = 0;
      for await (const chunk of source as AsyncIterable<Uint8Array | string>) {
        const bytes = Buffer.from(chunk as Uint8Array);
        sent += bytes.length;
        if (maxBodyLength > -1 && sent > maxBodyLength) throw tooLarge();
        yield bytes;
      }
    }
    return paced(bounded(), progress, this.#rate(0));
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
    let request = first;
    for (let followed = 0; ; followed++) {
      const { url, method } = request;
      this.#request = { method, protocol: `${url.scheme}:`, host: url.host, path: url.fullPath };
      const response = await client.send(request, {
        stream: true,
        followRedirects: false,
        auth: null,
        signal: this.#ending.signal,
      });
      if (maxRedirects === 0 || !response.hasRedirectLocation) return response;
      const next = response.nextRequest;
      if (next === null) return response;
      await dropped(response);
      if (followed === maxRedirects) {
        const code = 'ERR_FR_TOO_MANY_REDIRECTS';
        // Named as follow-redirects names it.
        const plain = Object.assign(new Error('Maximum number of redirects exceeded'), {
          code,
          name: `Error [${code}]`,
        });
        throw this.#axios.AxiosError.from(plain, code, this.#config, this.#request);
      }
      if (beforeRedirect !== undefined) applyHook(beforeRedirect, request, response, next);
      request = next;
    }
  }

  #toAnswer(response: Response): AxiosResponse & { data: unknown } {
    const headers: Record<string, string | string[]> = {};
    for (const [name, value] of response.headers) headers[name] = value;
    const cookies = response.headers.getList('set-cookie');
    if (cookies.length > 0) headers['set-cookie'] = cookies;
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
    return this.#bounded(paced(raw ? rawChunks(response) : response.iterBytes(), progress, this.#rate(1)));
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
    const stream = Readable.from(translated(), { objectMode: false });
    stream.once('close', () => {
      finish();
      void response.close();
    });
    return stream;
  }

  async #read(response: Response): Promise<unknown> {
    const pieces: Buffer[] = [];
    try {
      for await (const chunk of this.#chunks(response)) pieces.push(chunk);
    } finally {
      await response.close();
    }
    return this.#converted(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces));
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

  #bodyTooLarge(): Error {
    const message = 'Request body larger than maxBodyLength limit';
    return new this.#axios.AxiosError(message, 'ERR_BAD_REQUEST', this.#config, this.#request);
  }

  /** Bytes a second: 0 up, 1 down. */
  #rate(direction: 0 | 1): number | undefined {
    const { maxRate } = this.#config;
    return Array.isArray(maxRate) ? maxRate[direction] : maxRate;
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
function applyHook(
  hook: NonNullable<AxiosConfig['beforeRedirect']>,
  request: Request,
  response: Response,
  next: Request,
): void {
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
  hook(options, details, {
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

function isStream(data: unknown): boolean {
  const given = data as { pipe?: unknown; getReader?: unknown };
  return typeof given === 'object' && (typeof given.pipe === 'function' || typeof given.getReader === 'function');
}

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 64 * 1024) yield bytes.subarray(at, at + 64 * 1024);
}

const ACCEPT_ENCODING = 'gzip, deflate, br, zstd';
/** follow-redirects', which axios leaves as it is. */
const DEFAULT_REDIRECTS = 21;
const MAX_DRAINED_BYTES = 64 * 1024;
/** What setTimeout can count. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Doors with nothing behind them: each request is answered at once, by what the origin would have said. What is left is the work of the
 * library in front, which no door can save: the highest that the ratio of its row can be.
 */
import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { fetchReads } from './fetch.js';

const SMALL = Buffer.from(JSON.stringify({ bytes: 105, filler: 'x'.repeat(80) }));
const HEADERS = { server: 'nginx', 'content-type': 'application/json', connection: 'keep-alive' };
/** What pieces a body of 1 MiB comes in. */
const PIECE = 256 * 1024;

const bodyFor = (path) => {
  const size = /^\/bytes\/(\d+)$/.exec(path)?.[1];
  return size === undefined ? SMALL : Buffer.alloc(Number(size));
};
const headersOf = (body) => ({ ...HEADERS, 'content-length': String(body.length) });
const piecesOf = (body) =>
  Array.from({ length: Math.ceil(body.length / PIECE) }, (_, at) => body.subarray(at * PIECE, (at + 1) * PIECE));

const DOORS = {
  dispatcher() {
    const raw = Object.entries(headersOf(SMALL))
      .flat()
      .map((text) => Buffer.from(text));
    const dispatcher = new EventEmitter();
    dispatcher.dispatch = (_, handler) => {
      queueMicrotask(() => {
        if (handler.onRequestStart !== undefined) {
          const controller = { rawHeaders: raw, rawTrailers: [], abort() {}, pause() {}, resume() {} };
          handler.onRequestStart(controller, null);
          handler.onResponseStart(controller, 200, headersOf(SMALL), 'OK');
          handler.onResponseData(controller, SMALL);
          handler.onResponseEnd(controller, {});
          return;
        }
        handler.onConnect(() => {});
        handler.onHeaders(200, raw, () => {}, 'OK');
        handler.onData(SMALL);
        handler.onComplete([]);
      });
      return true;
    };
    return fetchReads((url, init) => fetch(url, { ...init, dispatcher }));
  },

  async axios(job) {
    const axios = await import('./axios.js');
    const adapter = async (config) => {
      const headers = headersOf(SMALL);
      return { status: 200, statusText: 'OK', headers, config, request: {}, data: SMALL.toString() };
    };
    return axios.open(job, { adapter });
  },

  async got(job) {
    const got = await import('./got.js');
    return got.open(job, { request: () => new InstantRequest() });
  },

  async s3(job) {
    const s3 = await import('./s3.js');
    return s3.open(job, {
      metadata: { handlerProtocol: 'http/1.1' },
      async handle({ path }) {
        const body = bodyFor(path.replace(/\?.*/, ''));
        return { response: { statusCode: 200, headers: headersOf(body), body: Readable.from(piecesOf(body)) } };
      },
      destroy() {},
      updateHttpClientConfig() {},
      httpHandlerConfigs: () => ({}),
    });
  },
};

export async function open(job) {
  const door = DOORS[job.door];
  if (door === undefined) throw new Error(`nothing is behind ${job.door}`);
  return { close: async () => {}, ...(await door(job)) };
}

/** Of ClientRequest what got asks for. */
class InstantRequest extends Writable {
  constructor() {
    super({ autoDestroy: false });
    this.socket = Object.assign(new EventEmitter(), { connecting: false, writable: true });
  }

  setTimeout() {
    return this;
  }

  _write(_chunk, _encoding, done) {
    done();
  }

  _final(done) {
    this.emit('socket', this.socket);
    const headers = headersOf(SMALL);
    this.res = Object.assign(Readable.from([SMALL]), {
      statusCode: 200,
      statusMessage: 'OK',
      headers,
      rawHeaders: Object.entries(headers).flat(),
      httpVersion: '1.1',
      req: this,
      complete: true,
    });
    queueMicrotask(() => this.emit('response', this.res));
    done();
  }
}

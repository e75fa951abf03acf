/** `data` without files: urlencoded forms, and what is no form. */
import test from 'ava';
import { Readable } from 'node:stream';
import { Client, Request, type RequestParts, type RequestOptions } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serveRaw } from '../helpers/server.js';

const TYPE = 'application/x-www-form-urlencoded';

const FORMS: [title: string, data: RequestParts['data'], body: string][] = [
  ['text', { a: '1' }, 'a=1'],
  ['numbers, booleans, null', { a: 1, b: true, c: false, d: null, e: 1.5 }, 'a=1&b=true&c=false&d=&e=1.5'],
  ['lists repeat', { a: ['1', 2, null], b: 'x' }, 'a=1&a=2&a=&b=x'],
  ['undefined is left out', { a: undefined, b: ['x', undefined as never] }, 'b=x'],
  ['spaces and UTF-8', { 'a b': 'ç &=+%' }, 'a+b=%C3%A7+%26%3D%2B%25'],
  ['left alone', { a: '-._~' }, 'a=-._~'],
  ['line breaks', { a: '\r\n' }, 'a=%0D%0A'],
  [
    'the names of Object.prototype',
    JSON.parse('{"__proto__":"1","constructor":"2"}') as never,
    '__proto__=1&constructor=2',
  ],
  ['URLSearchParams', new URLSearchParams('b=1&a=2&b=3'), 'b=1&a=2&b=3'],
  ['no prototype', Object.assign(Object.create(null) as Record<string, string>, { a: '1' }), 'a=1'],
];

for (const [title, data, body] of FORMS) {
  test(`a form: ${title}`, (t) => {
    const request = new Request('POST', 'http://example.org/', { data });
    t.is(request.content.toString(), body);
    t.deepEqual(request.headers.raw, [
      ['Host', 'example.org'],
      ['Content-Length', String(body.length)],
      ['Content-Type', TYPE],
    ]);
  });
}

const NONE: [title: string, init: RequestParts][] = [
  ['an empty object', { data: {} }],
  ['only empty lists', { data: { a: [] } }],
  ['empty URLSearchParams', { data: new URLSearchParams() }],
  ['null', { data: null as never }],
  ['no files', { data: {}, files: {} }],
  ['no files in a list', { files: [] }],
  ['files of no name', { files: { a: [] } }],
];

for (const [title, init] of NONE) {
  test(`no form at all: ${title}`, (t) => {
    const request = new Request('POST', 'http://example.org/', init);
    t.is(request.content.length, 0);
    t.deepEqual(request.headers.raw, [
      ['Host', 'example.org'],
      ['Content-Length', '0'],
    ]);
  });
}

test('no files, but data: urlencoded', (t) => {
  const request = new Request('POST', 'http://example.org/', { data: { a: '1' }, files: {} });
  t.is(request.headers.get('content-type'), TYPE);
});

test('a Content-Type of one’s own is kept', (t) => {
  const request = new Request('POST', 'http://example.org/', { data: { a: 1 }, headers: { 'content-type': 'a/b' } });
  t.deepEqual(request.headers.getList('content-type'), ['a/b']);
});

test('F26 text and bytes as data are sent as they are, without a type', (t) => {
  for (const data of ['a=1', Buffer.from('a=1')] as never[]) {
    const request = new Request('POST', 'http://example.org/', { data });
    t.is(request.content.toString(), 'a=1');
    t.false(request.headers.has('content-type'));
  }
});

const REFUSED: [title: string, data: unknown, message: RegExp][] = [
  [
    'a Date as a value',
    { when: new Date(0) },
    /^data: field 'when' must be a string, number, boolean or null, got Date$/,
  ],
  ['an object as a value', { a: { b: 1 } }, /field 'a' must be .* got Object$/],
  ['a list in a list', { a: [['b']] }, /field 'a' must be .* got Array$/],
  ['bytes as a value', { a: Buffer.from('secret') }, /field 'a' must be .* got Buffer$/],
  ['a function as a value', { a: () => 'secret' }, /field 'a' must be .* got function$/],
  ['a symbol as a value', { a: Symbol('secret') }, /field 'a' must be .* got symbol$/],
  ['a Blob as a value', { a: new Blob(['secret']) }, /field 'a' must be .* got Blob$/],
  ['pairs', [['a', '1']], /^data: expected an object of fields, URLSearchParams or FormData, got Array/],
  ['a Map', new Map([['a', '1']]), /got Map/],
  ['a Date', new Date(), /got Date/],
  ['a stream', Readable.from(['secret']), /got Readable/],
  ['a Blob', new Blob(['secret']), /got Blob/],
  ['an ArrayBuffer', new ArrayBuffer(1), /got ArrayBuffer/],
  ['a promise', Promise.resolve({}), /got Promise/],
  ['a response', new globalThis.Response('secret'), /got Response/],
  ['a regular expression', /secret/, /got RegExp/],
  ['an error', new Error('secret'), /got Error/],
  ['a number', 5, /got number/],
  ['true', true, /got boolean/],
];

for (const [title, data, message] of REFUSED) {
  test(`no form: ${title}`, async (t) => {
    const error = t.throws(() => new Request('POST', 'http://h/', { data } as RequestParts), {
      instanceOf: TypeError,
      message,
    });
    t.notRegex(error.message, /secret/);
    const client = new Client();
    const rejected = await failure(client.post('http://127.0.0.1:1/', { data } as RequestOptions));
    t.is(rejected.message, error.message);
    await client.close();
  });
}

const TWO: [init: object, message: string][] = [
  [{ content: 'a', json: 1 }, 'content and json'],
  [{ content: 'a', data: { a: 1 } }, 'content and data'],
  [{ json: 0, data: { a: 1 } }, 'json and data'],
  [{ json: {}, files: { a: 'x' } }, 'json and files'],
  [{ content: 'a', files: { a: 'x' } }, 'content and files'],
  [{ content: 'a', json: 1, data: {}, files: {} }, 'content and json and data and files'],
];

for (const [init, message] of TWO) {
  test(`F27 two bodies: ${message}`, (t) => {
    t.throws(() => new Request('POST', 'http://h/', init as RequestParts), {
      instanceOf: TypeError,
      message: `${message}: a request has one body, give one of them (data and files go together)`,
    });
  });
}

test('a polluted Object.prototype changes no byte of a form', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const client = openClient(t);
  const prototype = Object.prototype as unknown as Record<string, unknown>;
  const keys = ['content', 'json', 'data', 'files', 'cookies', 'polluted', 'boundary', 'type', 'filename'];
  await client.post(server.url, { data: { a: '1' } });
  for (const key of keys) prototype[key] = 'polluted';
  try {
    await client.post(server.url, { data: { a: '1' } });
  } finally {
    for (const key of keys) delete prototype[key];
  }
  t.is(server.received[0].length / 2, server.received[0].indexOf('POST', 1));
});

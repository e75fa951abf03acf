/** Bodies made of other packages' and other realms' Blob, File, FormData and ArrayBuffer (field rows v13, v14, v15, v23). */
import test from 'ava';
import StreamForm from 'form-data';
import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { type RequestOptions, Response } from '../../src/index.js';
import { failure, openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

/** As fetch-blob's and formdata-node's: their own classes, with the platform's brands. */
class OtherBlob {
  constructor(
    readonly text: string,
    readonly type = '',
  ) {}
  get size(): number {
    return Buffer.byteLength(this.text);
  }
  stream(): unknown {
    return new Blob([this.text]).stream();
  }
  get [Symbol.toStringTag](): string {
    return 'Blob';
  }
}

class OtherFile extends OtherBlob {
  constructor(
    text: string,
    readonly name: string,
    type?: string,
  ) {
    super(text, type);
  }
  override get [Symbol.toStringTag](): string {
    return 'File';
  }
}

/** As fetch-blob 2's, which gave a Node stream. */
class OldBlob extends OtherBlob {
  override stream(): unknown {
    return Readable.from([Buffer.from(this.text)]);
  }
}

class OtherFormData {
  #entries: [string, unknown][];
  constructor(...entries: [string, unknown][]) {
    this.#entries = entries;
  }
  [Symbol.iterator](): Iterator<[string, unknown]> {
    return this.#entries[Symbol.iterator]();
  }
  get [Symbol.toStringTag](): string {
    return 'FormData';
  }
}

/** A form of the platform, whose files have these names. */
function ownForm(...files: [text: string, name: string, type?: string][]): FormData {
  const form = new FormData();
  form.append('a', '1');
  for (const [text, name, type] of files) form.append('f', new File([text], name, { type }));
  return form;
}

const foreign = (options: object): RequestOptions => options as RequestOptions;
const file = (name: string, text: string, type = 'application/octet-stream'): string =>
  `--B\r\nContent-Disposition: form-data; name="f"; filename="${name}"\r\nContent-Type: ${type}\r\n\r\n${text}\r\n`;
const FIELD = '--B\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n';
const headers = { 'content-type': 'multipart/form-data; boundary=B' };

const SENT: [title: string, options: () => RequestOptions, body: string][] = [
  ['a Blob of another package as content', () => foreign({ content: new OtherBlob('blob') }), 'blob'],
  ['one that gives a Node stream', () => foreign({ content: new OldBlob('old') }), 'old'],
  ['an empty Blob', () => foreign({ content: new OtherBlob('') }), ''],
  ['a File of another package as content', () => foreign({ content: new OtherFile('file', 'n') }), 'file'],
  ['a File in files', () => foreign({ files: { f: new OtherFile('x', 'a.txt', 'text/x') }, headers }), `${file('a.txt', 'x', 'text/x')}--B--\r\n`],
  ['a Blob in files', () => foreign({ files: { f: new OtherBlob('x') }, headers }), `${file('upload', 'x')}--B--\r\n`],
  ['a described File', () => foreign({ files: { f: ['b.txt', new OtherFile('x', 'a')] }, headers }), `${file('b.txt', 'x', 'text/plain')}--B--\r\n`],
  ['a FormData of another package', () => foreign({ data: new OtherFormData(['a', '1'], ['f', new OtherFile('x', 'a.png')]), headers }), `${FIELD}${file('a.png', 'x', 'image/png')}--B--\r\n`],
  ['a FormData with a folder in a name', () => ({ data: ownForm(['x', 'folder/readme.md']), headers }), `${FIELD}${file('folder/readme.md', 'x', 'text/markdown')}--B--\r\n`],
  ['a FormData with the empty file of an empty input', () => ({ data: ownForm(['', '']), headers }), `${FIELD}${file('', '')}--B--\r\n`],
  ['the same of another package', () => foreign({ data: new OtherFormData(['a', '1'], ['f', new OtherFile('', 'd/')]), headers }), `${FIELD}${file('d/', '')}--B--\r\n`],
  ['a folder in the name of a File in files stays out', () => ({ files: { f: new File(['x'], 'folder/a.png') }, headers }), `${file('a.png', 'x', 'image/png')}--B--\r\n`],
  ['an ArrayBuffer of another realm', () => ({ content: runInNewContext('new Uint8Array([104, 105]).buffer') as ArrayBuffer }), 'hi'],
  ['an empty ArrayBuffer', () => ({ content: runInNewContext('new ArrayBuffer(0)') as ArrayBuffer }), ''],
  ['bytes of another realm', () => ({ content: runInNewContext('new Uint8Array([104, 105])') as Uint8Array }), 'hi'],
  ['pieces of another realm', () => ({ content: [runInNewContext('new Uint8Array([104, 105]).buffer') as Uint8Array] }), 'hi'],
  ['one in files', () => foreign({ files: { f: runInNewContext('new Uint8Array([104, 105]).buffer') }, headers }), `${file('upload', 'hi')}--B--\r\n`],
]; // prettier-ignore

for (const [title, options, body] of SENT) {
  test(`sent: ${title}`, async (t) => {
    const server = await serve(t, async (request, response) => {
      let text = '';
      for await (const chunk of request) text += String(chunk);
      response.end(text);
    });
    t.is((await openClient(t).post(server.url, options())).text, body);
  });
}

test('an ArrayBuffer of another realm is no form', async (t) => {
  const data = runInNewContext('new ArrayBuffer(1)') as never;
  t.regex((await failure(openClient(t).post('http://127.0.0.1:1/', { data }))).message, /^data: expected an object/);
});

test('a Response of bytes of another realm', (t) => {
  t.is(new Response(200, { content: runInNewContext('new Uint8Array([104, 105])') as Uint8Array }).text, 'hi');
});

// ── npm's form-data ──

for (const option of ['data', 'content'] as const) {
  test(`form-data of npm as ${option}`, async (t) => {
    const server = await serve(t, async (request, response) => {
      const form = await new globalThis.Response(await bytesOf(request), {
        headers: { 'content-type': String(request.headers['content-type']) },
      }).formData();
      const sent = form.get('f') as File;
      const { 'content-length': length, 'transfer-encoding': coding } = request.headers;
      response.end(
        JSON.stringify([form.get('a'), sent.name, sent.type, await sent.text(), coding ?? Number(length) > 0]),
      );
    });
    const known = new StreamForm();
    known.append('a', '1');
    known.append('f', Buffer.from('bytes'), { filename: 'n.txt', contentType: 'text/plain' });
    const response = await openClient(t).post(server.url, foreign({ [option]: known }));
    t.deepEqual(response.json(), ['1', 'n.txt', 'text/plain', 'bytes', true]);
    const streamed = new StreamForm();
    streamed.append('a', '1');
    streamed.append('f', Readable.from([Buffer.from('by'), Buffer.from('tes')]), { filename: 'n.txt', contentType: 'text/plain', knownLength: undefined }); // prettier-ignore
    const chunked = await openClient(t).post(server.url, foreign({ [option]: streamed }));
    t.deepEqual(chunked.json(), ['1', 'n.txt', 'text/plain', 'bytes', 'chunked']);
  });
}

test('form-data of npm: a Content-Type of one’s own gets its boundary', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers['content-type']));
  const form = new StreamForm();
  form.append('a', '1');
  const { text } = await openClient(t).post(
    server.url,
    foreign({ data: form, headers: { 'content-type': 'multipart/mixed' } }),
  );
  t.is(text, `multipart/mixed; boundary=${form.getBoundary()}`);
});

test('form-data of npm: what its source throws arrives, and a second body is refused', async (t) => {
  const server = await serve(t, (request) => void request.resume());
  const mine = new Error('mine');
  const form = new StreamForm();
  form.append('f', new Readable({ read() { this.destroy(mine); } })); // prettier-ignore
  t.is(await failure(openClient(t).post(server.url, foreign({ data: form }))), mine);
  const other = new StreamForm();
  const error = await failure(openClient(t).post(server.url, foreign({ data: other, files: { f: 'x' } })));
  t.regex(error.message, /^data and files: a request has one body/);
});

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

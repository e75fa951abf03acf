/** A response: text and JSON, pieces and lines, raiseForStatus, and the constructor for mocks. */
import test from 'ava';
import { constants } from 'node:buffer';
import { inspect } from 'node:util';
import {
  Client,
  type ClientOptions,
  DecodingError,
  HTTPStatusError,
  Request,
  Response,
  type ResponseParts,
} from '../../src/index.js';
import { decodeText } from '../../src/response/text.js';
import { ItemIterator } from '../../src/response/item-iterator.js';
import { LineParser } from '../../src/response/iterators.js';
import { unreadable } from '../../src/response/unreadable-body.js';
import { failure, openClient } from '../helpers/client.js';
import { serve, serveRaw } from '../helpers/server.js';

const latin1 = (text: string): Buffer => Buffer.from(text, 'latin1');
const withType = (type: string, content: Uint8Array): Response =>
  new Response(200, { headers: { 'content-type': type }, content });

const utf16be = (text: string): Buffer => Buffer.from(text, 'utf16le').swap16();

// ── text ──

const TEXTS: [title: string, type: string, content: Buffer, encoding: string, text: string][] = [
  ['H1', 'text-plain; charset=latin-1', latin1('Latin 1: \xff'), 'latin-1', 'Latin 1: ÿ'],
  ['H1 latin1', 'text/plain; charset=latin1', latin1('Latin 1: \xff'), 'latin1', 'Latin 1: ÿ'],
  ['H3', 'text/plain; charset=invalid-codec-name', Buffer.from('ÿ'), 'utf-8', 'ÿ'],
  ['H4', 'image/png', Buffer.from('xyz'), 'utf-8', 'xyz'],
  ['H10 quoted', 'text/plain; charset="utf-8"', Buffer.from('é'), 'utf-8', 'é'],
  ['H10 upper case', 'text/plain; CHARSET=iso-8859-1', latin1('é'), 'iso-8859-1', 'é'],
  ['H10 single quotes', "text/plain; charset='utf-8'", Buffer.from('é'), 'utf-8', 'é'],
  ['H10 empty', 'text/plain; charset=', Buffer.from('é'), 'utf-8', 'é'],
  ['H10 none', 'text/plain; charset', Buffer.from('é'), 'utf-8', 'é'],
  ['H11 the first', 'text/plain; charset=utf-8; charset=latin1', Buffer.from('é'), 'utf-8', 'é'],
  ['H12', 'text/plain; charset=base64', Buffer.from('é'), 'utf-8', 'é'],
  ['H13', 'text/plain', latin1('caf\xe9'), 'utf-8', 'caf\ufffd'],
  ['H14', 'text/plain', Buffer.from('\ufeffhi'), 'utf-8', 'hi'],
  ['H15', 'text/plain; charset=shift-jis', latin1('\x83g\x83\x89\x83x\x83\x8b'), 'shift-jis', 'トラベル'],
  ['H36', 'text/html', latin1('\xe9'), 'utf-8', '\ufffd'],
  ['utf-16le', 'text/plain; charset=utf-16le', Buffer.from('hé', 'utf16le'), 'utf-16le', 'hé'],
  ...['windows-1252', 'iso-8859-1', 'latin1', 'us-ascii', 'cp1252', 'latin-1', 'ascii', 'x-cp1252'].map(
    (label): (typeof TEXTS)[0] => [label, `text/plain; charset=${label}`, latin1('\x801\x92\xe9'), label, '€1’é'],
  ),
  ['all of windows-1252', 'a/b; charset=cp1252', latin1('\x80\x81\x82\x9f\xa0\xff'), 'cp1252', '€\x81‚Ÿ\xa0ÿ'],
  ['windows-1251', 'a/b; charset=windows-1251', latin1('\xcf\xf0\x80'), 'windows-1251', 'ПрЂ'],
  // The byte order mark wins.
  ['utf-16, big-endian', 'text/plain; charset=utf-16', utf16be('\ufeffhi'), 'utf-16', 'hi'],
  ['utf-16, little-endian', 'text/plain; charset=utf-16', Buffer.from('\ufeffhi', 'utf16le'), 'utf-16', 'hi'],
  ['utf-16, no mark', 'text/plain; charset=utf-16', Buffer.from('hi', 'utf16le'), 'utf-16', 'hi'],
  ['utf-16le with the other mark', 'a/b; charset=utf-16le', utf16be('\ufeffhi'), 'utf-16le', 'hi'],
  ['utf-16be with the other mark', 'a/b; charset=utf-16be', Buffer.from('\ufeffhi', 'utf16le'), 'utf-16be', 'hi'],
  ['UTF-8 called latin1', 'a/b; charset=iso-8859-1', Buffer.from('\ufeffé€'), 'iso-8859-1', 'é€'],
  ['UTF-8 called gbk', 'a/b; charset=gbk', Buffer.from('\ufeffé€'), 'gbk', 'é€'],
  ['UTF-16 called utf-8', 'a/b; charset=utf-8', Buffer.from('\ufeffhi', 'utf16le'), 'utf-8', 'hi'],
  ['UTF-16 without a charset', 'a/b', utf16be('\ufeffhi'), 'utf-8', 'hi'],
  ['half a mark', 'a/b; charset=latin1', latin1('\xef\xbb'), 'latin1', 'ï»'],
  ['half a mark and more', 'a/b; charset=latin1', latin1('\xfe\xfd\xfe\xff'), 'latin1', 'þýþÿ'],
  ['a mark alone', 'a/b; charset=latin1', latin1('\xef\xbb\xbf'), 'latin1', ''],
  ['nothing', 'a/b; charset=utf-16', Buffer.alloc(0), 'utf-16', ''],
  ['two marks', 'a/b', Buffer.from('\ufeff\ufeffx'), 'utf-8', '\ufeffx'],
];

for (const [title, type, content, encoding, text] of TEXTS) {
  test(`text: ${title} ${type}`, async (t) => {
    const response = withType(type, content);
    t.is(response.encoding, encoding);
    t.is(response.text, text);
    // And cut inside of characters.
    const cut = streamed(
      [...content].map((byte) => Buffer.of(byte)),
      { 'content-type': type },
    );
    t.is((await all(cut.iterText())).join(''), text);
  });
}

test('H5 encoding is settable before text, not after, and only to what is one', (t) => {
  const response = withType('text/plain; charset=utf-8', latin1('Latin 1: \xff'));
  response.encoding = 'Latin-1';
  t.is(response.text, 'Latin 1: ÿ');
  t.throws(() => (response.encoding = 'utf-8'), { instanceOf: TypeError, message: /after text was read/ });
  t.throws(() => (withType('a/b', latin1('')).encoding = 'base64'), { instanceOf: RangeError, message: /'base64'/ });
});

const isLatin1 = (content: Buffer): string => (content.includes(0xe9) ? 'latin1' : 'utf-8');
const DEFAULTS: [
  title: string,
  given: ClientOptions['defaultEncoding'],
  head: string,
  encoding: string,
  text: string,
][] = [
  ['a label', 'Latin1', 'text/plain', 'latin1', 'é'],
  ['none', undefined, 'text/plain', 'utf-8', '\ufffd'],
  ['H8 a function', isLatin1, 'text/plain', 'latin1', 'é'],
  ['a function that does not know', () => 'base64', 'text/plain', 'utf-8', '\ufffd'],
  ['a function that says nothing', () => undefined as never, 'text/plain', 'utf-8', '\ufffd'],
  ['the charset wins', 'utf-8', 'text/plain; charset=latin1', 'latin1', 'é'],
  ['an unknown charset does not', 'latin1', 'text/plain; charset=x', 'latin1', 'é'],
];

for (const [title, defaultEncoding, type, encoding, text] of DEFAULTS) {
  test(`defaultEncoding: ${title}`, async (t) => {
    const server = await serve(t, (_, answer) => {
      answer.setHeader('Content-Type', type).end(latin1('\xe9'));
    });
    const client = openClient(t, { defaultEncoding });
    const response = await client.get(server.url);
    t.is(response.encoding, encoding);
    t.is(response.text, text);
    const streaming = await client.stream('GET', server.url);
    // Who guesses from the whole body has nothing to go by yet.
    t.is(streaming.encoding, defaultEncoding === isLatin1 ? 'utf-8' : encoding);
    await streaming.read();
    t.is(streaming.text, text);
  });
}

test('defaultEncoding: what is refused', (t) => {
  t.throws(() => new Client({ defaultEncoding: 'base64' }), {
    instanceOf: RangeError,
    message: /^defaultEncoding: 'base64'/,
  });
  t.throws(() => new Client({ defaultEncoding: 5 as never }), {
    instanceOf: TypeError,
    message: /^defaultEncoding: .* got number/,
  });
});

test('what a detector throws is what text throws', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx');
  const mine = new Error('mine');
  const client = openClient(t, {
    defaultEncoding: () => {
      throw mine;
    },
  });
  const response = await client.get(server.url);
  t.is(
    t.throws(() => response.text),
    mine,
  );
});

test('a long text is the same however it is decoded', (t) => {
  for (const text of ['a'.repeat(5000), `${'a'.repeat(5000)}é`, `\ufeff${'a'.repeat(5000)}`, '\x7f\0'.repeat(1000)]) {
    t.is(new Response(200, { text }).text, text.replace(/^\ufeff/, ''));
  }
});

// ── json ──

const utf32 = (text: string, order: 'le' | 'be'): Buffer =>
  Buffer.concat(
    [...text].map((char) => {
      const four = Buffer.alloc(4);
      if (order === 'le') four.writeUInt32LE(char.codePointAt(0) as number);
      else four.writeUInt32BE(char.codePointAt(0) as number);
      return four;
    }),
  );
const JSONS = ['{"a":"é😀"}', '"é"', '[1]', '0', '""'].flatMap((text): [string, Buffer, string][] => [
  ['utf-8', Buffer.from(text), text],
  ['utf-8 with BOM', Buffer.from(`\ufeff${text}`), text],
  ['utf-16le', Buffer.from(text, 'utf16le'), text],
  ['utf-16le with BOM', Buffer.from(`\ufeff${text}`, 'utf16le'), text],
  ['utf-16be', utf16be(text), text],
  ['utf-16be with BOM', utf16be(`\ufeff${text}`), text],
  ['utf-32le', utf32(text, 'le'), text],
  ['utf-32le with BOM', utf32(`\ufeff${text}`, 'le'), text],
  ['utf-32be', utf32(text, 'be'), text],
  ['utf-32be with BOM', utf32(`\ufeff${text}`, 'be'), text],
]);

for (const [encoding, content, text] of JSONS) {
  test(`json(): ${text} in ${encoding}`, (t) => {
    t.deepEqual(withType('application/json; charset=latin1', content).json(), JSON.parse(text));
  });
}

const DECLARED: [type: string, content: Buffer, value: unknown][] = [
  ['application/json; charset=iso-8859-1', latin1('"caf\xe9"'), 'café'],
  ['application/json; charset=iso-8859-1', Buffer.from('"café"'), 'café'],
  ['application/json; charset=windows-1252', latin1('"\x80"'), '€'],
  ['application/json; charset=gbk', latin1('"\xc4\xe3"'), '你'],
  ['application/json; charset=utf-8', latin1('"caf\xe9"'), 'caf\ufffd'],
  ['application/json', latin1('"caf\xe9"'), 'caf\ufffd'],
  ['application/json; charset=unknown', latin1('"caf\xe9"'), 'caf\ufffd'],
];

for (const [type, content, value] of DECLARED) {
  test(`json(): ${content.toString('hex')} as ${type}`, (t) => t.is(withType(type, content).json(), value));
}

test('json(): the encoding that was set', (t) => {
  const response = withType('application/json', latin1('"caf\xe9"'));
  response.encoding = 'latin1';
  t.is(response.json(), 'café');
});

const NO_JSON: [status: number, headers: Record<string, string>, content: string, message: RegExp][] = [
  [200, {}, '\0\0\0\0', /^GET http:\/\/h\/a: the body is no JSON \(200 OK, no Content-Type\): /],
  [200, { 'content-type': 'application/json' }, '', /^GET http:\/\/h\/a: the body is no JSON \(200 OK, 'application\/json'\): Unexpected end/],
  [503, { 'content-type': 'text/html; charset=utf-8' }, '<!DOCTYPE html>\n\x1b[31m', /\(503 Service Unavailable, 'text\/html; charset=utf-8'\): Unexpected token '<'/],
  [599, { 'content-type': 'text/plain' }, 'lol', /\(599, 'text\/plain'\): Unexpected token 'l'/],
]; // prettier-ignore

for (const [status, headers, content, message] of NO_JSON) {
  test(`json() of ${JSON.stringify(content)}, ${status}: URL, status and type are named`, (t) => {
    const request = new Request('GET', 'http://u:s3kr3t@h/a?b=s3kr3t');
    const response = new Response(status, { headers, content, request });
    const error = t.throws(() => response.json(), { instanceOf: DecodingError, message }) as DecodingError;
    t.true(error.cause instanceof SyntaxError);
    t.is((error as unknown as HTTPStatusError).response, response);
    t.is(error.request, request);
    t.notRegex(error.message, /s3kr3t|\p{C}/u);
  });
}

test('what no string can hold: the error names the way out', (t) => {
  // Never touched, so never held in memory.
  const bytes = Buffer.alloc(constants.MAX_STRING_LENGTH + 1);
  for (const encoding of ['utf-8', 'latin1']) {
    const cause = t.throws(() => decodeText(bytes, encoding), { any: true });
    const error = unreadable(new Response(200, { text: '' }), bytes, cause, {}) as DecodingError;
    t.true(error instanceof DecodingError, String(error));
    t.regex(error.message, /^the body is too long for a text \(200 OK, .*\): \d+ bytes .*iterText\(\)/);
  }
});

const TWICE: [types: string[], content: Buffer, text: string][] = [
  [['text/html; charset=gbk', 'text/html; charset=gbk'], latin1('\xc4\xe3'), '你'],
  [['text/html; charset=gbk, text/html; charset=gbk'], latin1('\xc4\xe3'), '你'],
  [['text/html; charset=gbk', 'text/html'], latin1('\xc4\xe3'), '你'],
  [['text/html; charset=gbk', 'text/plain'], Buffer.from('é'), 'é'],
  [['text/plain', 'text/html; charset=gbk'], latin1('\xc4\xe3'), '你'],
  [['text/html; charset=utf-8', 'text/html; charset=gbk'], latin1('\xc4\xe3'), '你'],
  [['text/html; charset=gbk', '*/*'], latin1('\xc4\xe3'), '你'],
  [['text/html; charset=gbk', 'nonsense'], latin1('\xc4\xe3'), '你'],
  [['text/html; charset=gbk,'], latin1('\xc4\xe3'), '你'],
  [['text/html; a="x,y; charset=utf-8"; charset=gbk'], latin1('\xc4\xe3'), '你'],
  [['text/html; a="x\\",y"; charset=gbk'], latin1('\xc4\xe3'), '你'],
];

for (const [types, content, text] of TWICE) {
  test(`Content-Type ${types.join(' and ')}`, (t) => {
    const response = new Response(200, { headers: types.map((type) => ['content-type', type] as const), content });
    t.is(response.text, text);
  });
}

// ── lines ──

const LINES: [pieces: string[], lines: string[]][] = [
  [
    ['12345\n', 'foo ', 'bar ', 'baz\n'],
    ['12345', 'foo bar baz'],
  ],
  [['a\r\n\r\nb\r\nc'], ['a', '', 'b', 'c']],
  [['a\r\n\r\nb\r\nc\r\n'], ['a', '', 'b', 'c']],
  [
    ['a\r', '\n\r\nb\r\nc'],
    ['a', '', 'b', 'c'],
  ],
  [[], []],
  [['\n'], ['']],
  [['\n\n'], ['', '']],
  [['a\r'], ['a']],
  [['a\r\r\nb'], ['a', '', 'b']],
  [
    ['a\r', 'b'],
    ['a', 'b'],
  ],
  [
    ['a\r', '', '\n', 'b'],
    ['a', 'b'],
  ],
  [['a\v\f\x1c\x1d\x1e\x85\u2028\u2029b\nc'], ['a\v\f\x1c\x1d\x1e\x85\u2028\u2029b', 'c']],
];

for (const [pieces, lines] of LINES) {
  test(`iterLines(): ${inspect(pieces)}`, async (t) => {
    t.deepEqual(await all(streamed(pieces).iterLines()), lines);
    t.deepEqual(await all(new Response(200, { content: pieces.join('') }).iterLines()), lines);
    t.deepEqual(await all(streamed([...pieces.join('')]).iterLines()), lines);
  });
}

test('iterLines(): a line that never ends is bounded, and what was before it is delivered', async (t) => {
  const details = () => ({});
  for (const [pieces, lines, isWhole] of [
    [['one\ntwo\n', '12345678', '9'], ['one', 'two'], false],
    [['one\n1234', '56789\ntwo\n'], ['one'], false],
    [['12345678\n', '1234\r', '\n5678'], ['12345678', '1234', '5678'], true],
    [[...'12345678'], ['12345678'], true],
    [[...'123456789'], [], false],
    [['é'.repeat(8), '\n', '🎉🎉🎉🎉', '🎉'], ['é'.repeat(8)], false],
  ] as const) {
    async function* source() {
      yield* pieces;
    }
    const seen: string[] = [];
    const reading = (async () => {
      for await (const line of new ItemIterator<string, string>(source(), new LineParser(details, 8), async () => {}))
        seen.push(line);
    })();
    if (isWhole) await reading;
    else {
      const error = await failure(reading);
      t.true(error instanceof DecodingError);
      t.is(error.message, 'iterLines(): a line is longer than 8 characters');
    }
    t.deepEqual(seen, [...lines]);
  }
});

test('iterLines(): a line in three million pieces takes about their bytes', (t) => {
  const parser = new LineParser(() => ({}));
  const before = process.memoryUsage().heapUsed;
  for (let n = 0; n < 3_000_000; n++) parser.push(String(1000 + (n % 9000)));
  const growth = process.memoryUsage().heapUsed - before;
  t.true(growth < 70e6, `${growth} bytes`);
  t.is(parser.end()[0].length, 12_000_000);
});

// ── pieces ──

const SIZES: [pieces: string[], size: number | undefined, expected: string[]][] = [
  [['abc', 'de'], undefined, ['abc', 'de']],
  [['abc', '', 'de'], undefined, ['abc', 'de']],
  [['abc', 'de'], 1, ['a', 'b', 'c', 'd', 'e']],
  [['abc', 'de'], 2, ['ab', 'cd', 'e']],
  [['abc', 'de'], 5, ['abcde']],
  [['abc', 'de'], 7, ['abcde']],
  [['abcdef', 'gh'], 3, ['abc', 'def', 'gh']],
  [[], 3, []],
  [[''], undefined, []],
];

for (const [pieces, chunkSize, expected] of SIZES) {
  test(`iterBytes, iterText, iterRaw of ${inspect(pieces)} by ${chunkSize}`, async (t) => {
    t.deepEqual((await all(streamed(pieces).iterBytes({ chunkSize }))).map(String), expected);
    t.deepEqual((await all(streamed(pieces).iterRaw({ chunkSize }))).map(String), expected);
    t.deepEqual(await all(streamed(pieces).iterText({ chunkSize })), expected);
  });
}

const ASTRAL: [pieces: string[], chunkSize: number, expected: string[]][] = [
  [['a😀b'], 1, ['a', '😀', 'b']],
  [['a😀b'], 2, ['a😀', 'b']],
  [['a😀', 'b😀'], 2, ['a😀', 'b😀']],
  [['😀😀'], 2, ['😀', '😀']],
  [['😀'], 1, ['😀']],
  [['x😀'], 5, ['x😀']],
];

for (const [pieces, chunkSize, expected] of ASTRAL) {
  test(`J12 iterText of ${inspect(pieces)} by ${chunkSize} divides no character`, async (t) => {
    t.deepEqual(await all(streamed(pieces).iterText({ chunkSize })), expected);
    const bytes = [...Buffer.from(pieces.join(''))].map((byte) => Buffer.from([byte]));
    t.deepEqual(await all(streamed(bytes).iterText({ chunkSize })), expected);
  });
}

test('options of the iterators: a typing error is no default', (t) => {
  for (const name of ['iterBytes', 'iterText', 'iterRaw'] as const) {
    const unknown = `Unknown option 'chunksize' for ${name}(). Did you mean 'chunkSize'?`;
    t.throws(() => streamed(['a'])[name]({ chunksize: 1 } as never), { instanceOf: TypeError, message: unknown });
    const wrong = `options of ${name}(): expected an object, got number`;
    t.throws(() => streamed(['a'])[name](5 as never), { instanceOf: TypeError, message: wrong });
  }
});

for (const chunkSize of [0, -1, 1.5, NaN, '5', null]) {
  test(`J16 chunkSize ${inspect(chunkSize)} is a TypeError`, (t) => {
    for (const name of ['iterBytes', 'iterText', 'iterRaw'] as const) {
      const given = { chunkSize: chunkSize as number };
      t.throws(() => streamed(['abc'])[name](given), { instanceOf: TypeError, message: /^chunkSize: / });
    }
  });
}

// ── raiseForStatus ──

const MORE = (status: number): string =>
  `\nFor more information check: https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/${status}`;
const RAISES: [status: number, init: ResponseParts, message: string][] = [
  [101, {}, `Informational response '101 Switching Protocols' for url 'https://example.org/'${MORE(101)}`],
  [
    303,
    { headers: { location: 'https://other.org' } },
    `Redirect response '303 See Other' for url 'https://example.org/'\nRedirect location: 'https://other.org'${MORE(303)}`,
  ],
  [
    302,
    { headers: { location: 'https://me:secret@other.org/a@b' } },
    `Redirect response '302 Found' for url 'https://example.org/'\nRedirect location: 'https://[secure]@other.org/a@b'${MORE(302)}`,
  ],
  [304, {}, `Redirect response '304 Not Modified' for url 'https://example.org/'${MORE(304)}`],
  [403, {}, `Client error '403 Forbidden' for url 'https://example.org/'${MORE(403)}`],
  [500, {}, `Server error '500 Internal Server Error' for url 'https://example.org/'${MORE(500)}`],
  [600, {}, `Invalid status code '600' for url 'https://example.org/'${MORE(600)}`],
  [
    404,
    { text: 'no such thing' },
    `Client error '404 Not Found' for url 'https://example.org/'${MORE(404)}\nThe body begins: 'no such thing'`,
  ],
];

for (const [status, init, message] of RAISES) {
  test(`raiseForStatus(): ${message.slice(0, 40)}`, (t) => {
    const request = new Request('GET', 'https://example.org/');
    const response = new Response(status, { ...init, request });
    const error = t.throws(() => response.raiseForStatus(), { instanceOf: HTTPStatusError, message });
    t.is((error as HTTPStatusError).response, response);
    t.is((error as HTTPStatusError).request, request);
  });
}

test('raiseForStatus(): 2xx is returned; no request is needed; no password is shown', (t) => {
  const fine = new Response(204);
  t.is(fine.raiseForStatus(), fine);
  t.throws(() => new Response(404).raiseForStatus(), { message: `Client error '404 Not Found'${MORE(404)}` });
  const request = new Request('GET', 'https://me:secret@example.org/');
  const error = t.throws(() => new Response(404, { request }).raiseForStatus());
  t.notRegex(inspect(error), /secret/);
});

// ── made by hand ──

const UNMADE: [title: string, init: unknown, message: RegExp][] = [
  ['content: 5', { content: 5 }, /^content: expected text, bytes or an async iterable of bytes, got number$/],
  ['content: {}', { content: {} }, /^content: expected .* got Object$/],
  ['text: 5', { text: 5 }, /^text: expected a string, got number$/],
  ['html: null', { html: null }, /^html: expected a string, got null$/],
  ['json: a function', { json: () => 1 }, /^json: function has no form in JSON$/],
  ['no object', 5, /^options of new Response\(\): expected an object, got number$/],
  ['null', null, /^options of new Response\(\): expected an object, got null$/],
  ['request: text', { request: 'http://h/' }, /^request: expected a Request, got string$/],
  ['httpVersion: 2', { httpVersion: 'HTTP/2.0' }, /^httpVersion: 'HTTP\/2\.0' is none, expected HTTP\/1\.0, /],
  ['a header with LF', { headers: { a: 'b\nc' } }, /^Header 'a': value has an invalid character/],
];

for (const [title, init, message] of UNMADE) {
  test(`no response: ${title}`, (t) => {
    t.throws(() => new Response(200, init as ResponseParts), { instanceOf: TypeError, message });
  });
}

test('a made body of pieces that are none rejects', async (t) => {
  async function* content() {
    yield 5 as never;
  }
  await t.throwsAsync(new Response(200, { content: content() }).read(), {
    instanceOf: TypeError,
    message: /expected pieces of bytes or text, got number/,
  });
});

const MADE: [init: ResponseParts, headers: [string, string][], content: string][] = [
  [{}, [], ''],
  [{ content: 'é' }, [['content-length', '2']], 'é'],
  [{ content: Buffer.from('a') }, [['content-length', '1']], 'a'],
  [
    { text: 'é' },
    [
      ['content-length', '2'],
      ['content-type', 'text/plain; charset=utf-8'],
    ],
    'é',
  ],
  [
    { html: 'a' },
    [
      ['content-length', '1'],
      ['content-type', 'text/html; charset=utf-8'],
    ],
    'a',
  ],
  [
    { json: { a: 1 } },
    [
      ['content-length', '7'],
      ['content-type', 'application/json'],
    ],
    '{"a":1}',
  ],
  [
    { text: 'a', headers: { 'Content-Type': 'x/y' } },
    [
      ['content-type', 'x/y'],
      ['content-length', '1'],
    ],
    'a',
  ],
];

for (const [init, headers, content] of MADE) {
  test(`new Response(200, ${inspect(init)})`, (t) => {
    const response = new Response(200, init);
    t.deepEqual([...response.headers], headers);
    t.is(response.content.toString(), content);
    t.true(response.isClosed);
  });
}

test('new Response(): an iterable is chunked; defaults; what is refused', async (t) => {
  t.deepEqual([...streamed(['a']).headers], [['transfer-encoding', 'chunked']]);
  t.deepEqual([...streamed(['a'], { 'content-length': '1' }).headers], [['content-length', '1']]);
  const response = new Response(499);
  t.deepEqual(
    [response.httpVersion, response.reasonPhrase, response.status, response.ok],
    ['HTTP/1.1', '', 499, false],
  );
  t.throws(() => response.request, { message: 'The request instance has not been set on this response.' });
  t.throws(() => new Response(99), { instanceOf: RangeError });
  t.throws(() => new Response(200, { text: 'a', json: 1 }), { instanceOf: TypeError, message: /^text and json/ });
  t.throws(() => new Response(200, { txt: 'a' } as object), { message: /Did you mean 'text'/ });
  t.is(inspect(new Response(200)), '<Response [200 OK]>');
  t.is(inspect(new Response(600)), '<Response [600]>');
  t.is(String(new Response(404)), '<Response [404 Not Found]>');
});

test('kinds of status', (t) => {
  const kinds = (status: number, location?: string): string[] => {
    const response = new Response(status, { headers: { location } });
    const names = [
      'isInformational',
      'isSuccess',
      'isRedirect',
      'isClientError',
      'isServerError',
      'isError',
      'hasRedirectLocation',
    ] as const;
    return names.filter((name) => response[name]);
  };
  t.deepEqual(kinds(100), ['isInformational']);
  t.deepEqual(kinds(299), ['isSuccess']);
  t.deepEqual(kinds(304, '/x'), ['isRedirect']);
  t.deepEqual(kinds(307), ['isRedirect']);
  t.deepEqual(kinds(307, '/x'), ['isRedirect', 'hasRedirectLocation']);
  t.deepEqual(kinds(404), ['isClientError', 'isError']);
  t.deepEqual(kinds(503), ['isServerError', 'isError']);
});

test('nextRequest: what the redirect asks for', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 302 Found\r\nLocation: /next?q\r\nContent-Length: 0\r\n\r\n');
  const response = await openClient(t).post(server.url, { content: 'abc', followRedirects: false });
  t.is(inspect(response.nextRequest), `<Request('GET', '${server.origin}/next?q')>`);
  t.is(response.nextRequest?.content.length, 0);
  t.is(new Response(302).nextRequest, null);
});

function streamed(pieces: (string | Uint8Array)[], headers = {}): Response {
  async function* content() {
    for (const piece of pieces) yield Buffer.from(piece as string);
  }
  return new Response(200, { content: content(), headers });
}

async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

import { inspect } from 'node:util';
import test from 'ava';
import { Headers, mergeHeaders } from '../src/headers.js';
import type { HeaderTypes } from '../src/types.js';
import { openClient } from './helpers/client.js';
import { serve } from './helpers/server.js';

const repeated: [string, string][] = [
  ['a', '123'],
  ['a', '456'],
  ['b', '789'],
];

test('lines of one name are joined, kept apart, and found in any case', (t) => {
  const headers = new Headers(repeated);
  t.true(headers.has('a'));
  t.true(headers.has('A'));
  t.false(headers.has('c'));
  t.is(headers.get('a'), '123, 456');
  t.is(headers.get('A'), '123, 456');
  t.is(headers.get('c'), undefined);
  t.deepEqual(headers.getList('a'), ['123', '456']);
  t.deepEqual(headers.getList('c'), []);
  t.deepEqual([...headers.keys()], ['a', 'b']);
  t.deepEqual([...headers.values()], ['123, 456', '789']);
  t.deepEqual(
    [...headers],
    [
      ['a', '123, 456'],
      ['b', '789'],
    ],
  );
  t.deepEqual(headers.multiItems(), repeated);
  t.is(headers.size, 2);
});

const SOURCES: [name: string, headers: HeaderTypes, raw: [string, string][]][] = [
  [
    'a record',
    { A: '1', b: '2' },
    [
      ['A', '1'],
      ['b', '2'],
    ],
  ],
  [
    'a record with two spellings',
    { a: '1', A: '2' },
    [
      ['a', '1'],
      ['A', '2'],
    ],
  ],
  [
    'a record with an array',
    { A: ['1', '2'], b: [] },
    [
      ['A', '1'],
      ['A', '2'],
    ],
  ],
  ['a record with undefined', { a: undefined, b: '1' }, [['b', '1']]],
  [
    'pairs',
    [
      ['B', '1'],
      ['a', '2'],
      ['B', '3'],
    ],
    [
      ['B', '1'],
      ['a', '2'],
      ['B', '3'],
    ],
  ],
  ['a Map', new Map([['A', '1']]), [['A', '1']]],
  [
    'the platform Headers',
    new globalThis.Headers([
      ['A', '1'],
      ['Set-Cookie', 'x=1'],
      ['set-cookie', 'y=2'],
    ]),
    [
      ['a', '1'],
      ['set-cookie', 'x=1'],
      ['set-cookie', 'y=2'],
    ],
  ],
  [
    'Headers',
    new Headers([
      ['A', '1'],
      ['a', '2'],
    ]),
    [
      ['A', '1'],
      ['a', '2'],
    ],
  ],
  [
    'lines',
    Headers.fromLines('A\n1\nb\n\na\n2\n'),
    [
      ['A', '1'],
      ['b', ''],
      ['a', '2'],
    ],
  ],
  ['no lines', Headers.fromLines(''), []],
  [
    'names of an object',
    { ['__proto__']: '1', constructor: '2' },
    [
      ['__proto__', '1'],
      ['constructor', '2'],
    ],
  ],
];

for (const [name, source, raw] of SOURCES) {
  test(`takes ${name}, order and case kept`, (t) => {
    const headers = new Headers(source);
    t.deepEqual(headers.raw, raw);
    t.deepEqual(Headers.fromLines(headers.toLines()).raw, raw);
    t.deepEqual(new Headers(headers).raw, raw);
    t.true(headers.equals(raw));
  });
}

test('a copy is a copy', (t) => {
  const headers = new Headers({ a: '1' });
  const copy = new Headers(headers);
  copy.set('a', '2');
  t.is(headers.get('a'), '1');
  const lazy = Headers.fromLines('a\n1\n');
  const lazyCopy = new Headers(lazy);
  lazyCopy.append('a', '2');
  t.is(lazy.get('a'), '1');
  t.is(lazyCopy.get('a'), '1, 2');
});

test('lines are read once, and written anew only after a change', (t) => {
  const lines = 'Host\nexample.org\nSet-Cookie\na=1\nset-cookie\nb=2\nx\n\n';
  const headers = Headers.fromLines(lines);
  t.is(headers.toLines(), lines);
  for (let i = 0; i < 5; i++) {
    t.is(headers.get('host'), 'example.org');
    t.is(headers.get('SET-COOKIE'), 'a=1, b=2');
    t.is(headers.get('x'), '');
    t.is(headers.get('a=1'), undefined, 'a value is no name');
  }
  t.is(headers.toLines(), lines);
  headers.delete('host');
  t.is(headers.toLines(), 'Set-Cookie\na=1\nset-cookie\nb=2\nx\n\n');
  headers.append('Y', '3');
  t.is(headers.toLines(), 'Set-Cookie\na=1\nset-cookie\nb=2\nx\n\nY\n3\n');
});

test('set keeps the place of the first line and drops the others', (t) => {
  const headers = new Headers([
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
    ['c', '4'],
  ]);
  headers.set('A', '5');
  t.deepEqual(headers.raw, [
    ['A', '5'],
    ['b', '2'],
    ['c', '4'],
  ]);
  headers.set('d', '6');
  t.deepEqual(headers.raw, [
    ['A', '5'],
    ['b', '2'],
    ['c', '4'],
    ['d', '6'],
  ]);
  headers.set('b', 'a');
  headers.set('a', 'b');
  t.deepEqual(headers.raw, [
    ['a', 'b'],
    ['b', 'a'],
    ['c', '4'],
    ['d', '6'],
  ]);
});

test('append and delete', (t) => {
  const headers = new Headers();
  headers.append('A', '1');
  headers.append('a', '2');
  t.is(headers.get('a'), '1, 2');
  t.true(headers.delete('a'));
  t.false(headers.delete('a'));
  t.is(headers.size, 0);
});

test('update replaces the names given, at the end, all lines kept', (t) => {
  const headers = new Headers([
    ['a', '1'],
    ['b', '2'],
    ['a', '3'],
  ]);
  headers.update([
    ['A', '4'],
    ['c', '5'],
    ['a', '6'],
  ]);
  t.deepEqual(headers.raw, [
    ['b', '2'],
    ['A', '4'],
    ['c', '5'],
    ['a', '6'],
  ]);
  headers.update({ b: undefined, c: [] });
  t.deepEqual(headers.raw, [
    ['b', '2'],
    ['A', '4'],
    ['a', '6'],
  ]);
  headers.update(new Headers({ B: '7' }));
  t.deepEqual(headers.raw, [
    ['A', '4'],
    ['a', '6'],
    ['B', '7'],
  ]);
  headers.update(headers);
  t.deepEqual(headers.raw, [
    ['A', '4'],
    ['a', '6'],
    ['B', '7'],
  ]);
});

test('an update that is refused changes nothing', (t) => {
  const headers = new Headers({ a: '1' });
  t.throws(() => headers.update({ a: '2', 'b ': '3' }), { instanceOf: TypeError });
  t.throws(() => headers.update({ a: null }), {
    instanceOf: TypeError,
    message: "Header 'a': value must be a string, got null",
  });
  t.deepEqual(headers.raw, [['a', '1']]);
});

test('mergeHeaders: a request changes, adds and removes in a copy', (t) => {
  const base = new Headers({ Accept: '*/*', 'User-Agent': 'x', A: '1' });
  const merged = mergeHeaders(base, { 'user-agent': null, a: ['2', '3'], b: '4', accept: undefined, gone: null });
  t.deepEqual(merged.raw, [
    ['Accept', '*/*'],
    ['a', '2'],
    ['a', '3'],
    ['b', '4'],
  ]);
  t.is(base.size, 3);
  t.deepEqual(mergeHeaders(base, undefined).raw, base.raw);
  t.deepEqual(mergeHeaders(base, new Headers({ a: '9' })).raw.at(-1), ['a', '9']);
});

test('splitCommas divides a list, but never Set-Cookie', (t) => {
  const headers = new Headers([
    ['Vary', 'a,b'],
    ['vary', ' c ,, d'.trim()],
    ['Set-Cookie', 'a=1; Expires=Mon, 01 Jan'],
  ]);
  t.deepEqual(headers.getList('vary', { splitCommas: true }), ['a', 'b', 'c', 'd']);
  t.deepEqual(headers.getList('vary'), ['a,b', 'c ,, d']);
  t.deepEqual(headers.getList('set-cookie', { splitCommas: true }), ['a=1; Expires=Mon, 01 Jan']);
  t.deepEqual(headers.getList('none', { splitCommas: true }), []);
});

test('equality is of the lines: order and case of names do not count', (t) => {
  const headers = new Headers(repeated);
  t.true(
    headers.equals([
      ['b', '789'],
      ['a', '456'],
      ['A', '123'],
    ]),
  );
  t.true(headers.equals({ a: '123', A: '456', b: '789' }));
  t.false(headers.equals({ a: '123, 456', b: '789' }));
  t.false(headers.equals('a: 123' as never));
});

const BAD_VALUES: [value: unknown, message: string][] = [
  [null, "Header 'x-a': value must be a string, got null"],
  [1, "Header 'x-a': value must be a string, got number"],
  [true, "Header 'x-a': value must be a string, got boolean"],
  [{}, "Header 'x-a': value must be a string, got Object"],
  [[1], "Header 'x-a': value must be a string, got number"],
  [new Date(0), "Header 'x-a': value must be a string, got Date"],
  ['a\rb', "Header 'x-a': value has an invalid character '\\r' at position 1"],
  ['a\nb', "Header 'x-a': value has an invalid character '\\n' at position 1"],
  ['a\r\nb: c', "Header 'x-a': value has an invalid character '\\r' at position 1"],
  ['\0', "Header 'x-a': value has an invalid character '\\u{0}' at position 0"],
  ['a\u007f', "Header 'x-a': value has an invalid character '\\u{7f}' at position 1"],
  ['a\u001b[31m', "Header 'x-a': value has an invalid character '\\u{1b}' at position 1"],
  ['a\u010d\u010a', "Header 'x-a': value has an invalid character 'č' at position 1"],
  ['a\u2028', "Header 'x-a': value has an invalid character '\\u{2028}' at position 1"],
  ['☃', "Header 'x-a': value has an invalid character '☃' at position 0"],
  ['a\ud800', "Header 'x-a': value has an invalid character '\\u{d800}' at position 1"],
  [' lead', "Header 'x-a': value must not begin or end with whitespace"],
  ['trail\t', "Header 'x-a': value must not begin or end with whitespace"],
];

for (const [value, message] of BAD_VALUES) {
  test(`refuses the value ${inspect(value)}`, (t) => {
    const expected = { instanceOf: TypeError, message };
    t.throws(() => new Headers({ 'x-a': value as string }), expected);
    t.throws(() => new Headers([['x-a', value as string]]), expected);
    t.throws(() => new Headers().update({ 'x-a': value as string }), expected);
    if (Array.isArray(value)) return;
    t.throws(() => new Headers().set('x-a', value as string), expected);
    t.throws(() => new Headers().append('x-a', value as string), expected);
  });
}

for (const value of ['', 'a b', 'a\tb', 'é', '\u00ff', '"~!']) {
  test(`accepts the value ${inspect(value)}`, (t) => {
    t.is(new Headers({ a: value }).get('a'), value);
  });
}

const BAD_NAMES = ['', ' ', 'a b', 'a:', 'a\r\nb', 'é', 'a\0', '(', 'a,b', '\u212aelvin', '\u010d', '"a"'];

for (const name of BAD_NAMES) {
  test(`refuses the name ${inspect(name)}`, (t) => {
    const expected = { instanceOf: TypeError, message: /^Invalid header name '[\x20-\x7eéč\u212a]*'$/ };
    t.throws(() => new Headers({ [name]: 'x' }), expected);
    t.throws(() => new Headers([[name, 'x']]), expected);
    t.throws(() => new Headers().set(name, 'x'), expected);
    t.throws(() => new Headers().append(name, 'x'), expected);
  });
}

test('accepts every token as a name', (t) => {
  const name = "!#$%&'*+-.^_`|~09azAZ";
  t.deepEqual(new Headers({ [name]: '1' }).raw, [[name, '1']]);
});

const BAD_SOURCES: [headers: unknown, message: string][] = [
  ['a: b', 'headers: expected an object or pairs, got string'],
  [null, 'headers: expected an object or pairs, got null'],
  [1, 'headers: expected an object or pairs, got number'],
  [['ab'], 'headers: expected pairs of name and value, got string'],
  [[['a', 'b', 'c']], 'headers: expected pairs of name and value, got Array'],
  [[[1, 'b']], 'Header names must be strings, got number'],
  // They have no names of their own, and would pass for no headers at all.
  [new Date(0), 'headers: expected an object of names and values, got Date'],
  [Promise.resolve({ a: 'b' }), 'headers: expected an object of names and values, got Promise'],
  [new Blob(['a: b']), 'headers: expected an object of names and values, got Blob'],
];

for (const [source, message] of BAD_SOURCES) {
  test(`refuses ${inspect(source)} as headers`, (t) => {
    t.throws(() => new Headers(source as HeaderTypes), { instanceOf: TypeError, message });
  });
}

const SECRETS = ['Authorization', 'proxy-authorization', 'COOKIE', 'Set-Cookie', 'X-Api-Key', 'X-Auth-Token', 'DPoP'];

for (const name of [
  'Accept',
  'Idempotency-Key',
  'ETag',
  'Sec-WebSocket-Key',
  'WWW-Authenticate',
  'Surrogate-Key',
  'X-Tokens',
]) {
  test(`shows the value of ${name}`, (t) => {
    t.regex(
      inspect(new Headers({ [name]: 'v4lue' })) + JSON.stringify(new Headers({ [name]: 'v4lue' })),
      /v4lue.*v4lue/,
    );
  });
}

for (const name of SECRETS) {
  test(`never shows a value of ${name}`, (t) => {
    t.is(
      inspect(new Headers({ [name]: 's3kr3t' })),
      `Headers({ '${name.toLowerCase()}': '[secure]' })`
        .replace("'cookie'", 'cookie')
        .replace("'dpop'", 'dpop')
        .replace("'authorization'", 'authorization'),
    );
    for (const value of ['s3kr3t\n', '\n s3kr3t', ' s3kr3t', '☃s3kr3t', 's3kr3t☃']) {
      const error = t.throws(() => new Headers({ [name]: value }), { instanceOf: TypeError });
      t.notRegex(inspect(error), /s3kr3t|☃/);
    }
  });
}

test('inspect() is one line: an object, or pairs where a name repeats', (t) => {
  t.is(inspect(new Headers({ a: '123', B: '789' })), "Headers({ a: '123', b: '789' })");
  t.is(inspect(new Headers(repeated)), "Headers([ ['a', '123'], ['a', '456'], ['b', '789'] ])");
  t.is(inspect(new Headers({ 'Content-Type': "it's" })), `Headers({ 'content-type': "it's" })`);
  t.is(inspect(new Headers()), 'Headers({})');
  t.is(
    inspect(
      new Headers([
        ['cookie', 'a'],
        ['cookie', 'b'],
      ]),
    ),
    "Headers([ ['cookie', '[secure]'], ['cookie', '[secure]'] ])",
  );
});

test('only own properties count', (t) => {
  for (const name of ['evil', 'splitCommas']) {
    Reflect.defineProperty(Object.prototype, name, { value: 'true', enumerable: true, configurable: true });
  }
  try {
    t.deepEqual(new Headers({ a: 'x,y' }).raw, [['a', 'x,y']]);
    t.deepEqual(new Headers({ a: 'x,y' }).getList('a', {}), ['x,y']);
    t.is(new Headers().get('evil'), undefined);
  } finally {
    for (const name of ['evil', 'splitCommas']) delete (Object.prototype as Record<string, unknown>)[name];
  }
});

// In quadratic time this would run into the time limit of all tests.
test('headers may be many', (t) => {
  const lines = Array.from({ length: 300_000 }, (_, i) => `x${i}\n${i}\n`).join('');
  const headers = Headers.fromLines(lines);
  t.is(headers.size, 300_000);
  headers.update(new Headers(headers));
  t.is(mergeHeaders(headers, headers).size, 300_000);
  t.is(headers.toLines(), lines);
});

test('bytes beyond ASCII, as a response’s own, may be sent (RFC 9110 §5.5, obs-text)', async (t) => {
  const utf8 = Buffer.from('“x” 中 \x80').toString('latin1');
  const server = await serve(t, (request, response) =>
    response.setHeader('x-mine', String(request.headers['x-mine'])).end(),
  );
  const client = openClient(t);
  const first = await client.get(server.url, { headers: { 'x-mine': utf8 } });
  t.is(first.headers.get('x-mine'), utf8);
  const again = await client.get(server.url, { headers: { 'x-mine': first.headers.get('x-mine') as string } });
  t.is(again.headers.get('x-mine'), utf8);
  t.is(new Headers({ a: '\x80\x9f\xff' }).get('a'), '\x80\x9f\xff');
});

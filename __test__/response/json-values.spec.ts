/** `response.iterJson()`: NDJSON, JSON Lines and JSON text sequences (RFC 7464), at every place where a chunk may end. */
import test from 'ava';
import { DecodingError, Response } from '../../src/index.js';
import * as fc from '../helpers/fast-check.js';
import { gate, failure, openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const ROWS: [title: string, body: string, values: unknown[]][] = [
  ['lines', '{"a":1}\n[2]\n"3"\n4\nnull\ntrue\n', [{ a: 1 }, [2], '3', 4, null, true]],
  ['a last line without its end', '1\n2', [1, 2]],
  ['CRLF', '1\r\n{"a":2}\r\n', [1, { a: 2 }]],
  ['empty lines and blanks', '\n \n1\n\n\t\n2\n\r\n', [1, 2]],
  ['a byte order mark', '\u{feff}1\n2\n', [1, 2]],
  ['UTF-8, and what ends no line', '"grüße 🎉"\n"a\u{2028}b\u{85}c"\n', ['grüße 🎉', 'a\u{2028}b\u{85}c']],
  ['nothing', '', []],
  ['a sequence', '\u{1e}{"a":1}\n\u{1e}[2]\n\u{1e}3\n', [{ a: 1 }, [2], 3]],
  ['a sequence of values over several lines', '\u{1e}{\n  "a": [\n1,\n2]\n}\n\u{1e}"x"\n', [{ a: [1, 2] }, 'x']],
  ['a sequence with separators in a row', '\u{1e}\u{1e}1\n\u{1e}\n\u{1e}2\n', [1, 2]],
  ['a sequence whose last object lacks its line feed', '\u{1e}{"a":1}\n\u{1e}{"b":2}', [{ a: 1 }, { b: 2 }]],
];

function streamed(chunks: Uint8Array[]): Response {
  async function* pieces() {
    for (const chunk of chunks) yield Buffer.from(chunk);
  }
  return new Response(200, { content: pieces() });
}

async function all(response: Response): Promise<unknown[]> {
  const values: unknown[] = [];
  for await (const value of response.iterJson()) values.push(value);
  return values;
}

for (const [title, body, values] of ROWS) {
  test(`iterJson: ${title}`, async (t) => {
    const bytes = Buffer.from(body);
    t.deepEqual(await all(new Response(200, { content: bytes })), values, 'whole');
    t.deepEqual(await all(streamed([...bytes].map((byte) => Uint8Array.of(byte)))), values, 'byte by byte');
    for (let at = 0; at <= bytes.length; at++) {
      t.deepEqual(await all(streamed([bytes.subarray(0, at), bytes.subarray(at)])), values, `cut at ${at}`);
    }
  });
}

const BROKEN: [title: string, body: string, before: unknown[], message: RegExp][] = [
  ['no JSON', '1\n\n{"a":\n3\n', [1], /line 3 is no JSON/],
  ['the first line', '<!doctype html>\n', [], /line 1 is no JSON/],
  ['a last line that is cut off', '1\n2\n{"a', [1, 2], /line 3 is no JSON/],
  ['two values in a line', '1\n2 3\n', [1], /line 2 is no JSON/],
  ['a record', '\u{1e}1\n\u{1e}{"a"\n\u{1e}3\n', [1], /record 2 is no JSON/],
  ['a last record that is cut off', '\u{1e}1\n\u{1e}[2', [1], /record 2 is no JSON/],
  ['a number that may be cut off', '\u{1e}1\n\u{1e}12', [1], /record 2 is no JSON: it may be cut off/],
  ['two values in a record', '\u{1e}1 2\n', [], /record 1 is no JSON/],
];

for (const [title, body, before, message] of BROKEN) {
  test(`iterJson, broken: ${title}`, async (t) => {
    const bytes = Buffer.from(body);
    for (let at = 0; at <= bytes.length; at++) {
      const values: unknown[] = [];
      const response = streamed([bytes.subarray(0, at), bytes.subarray(at)]);
      const error = await failure(
        (async () => {
          for await (const value of response.iterJson()) values.push(value);
        })(),
      );
      t.deepEqual(values, before, `cut at ${at}`);
      t.true(error instanceof DecodingError);
      t.regex(error.message, message);
      t.is((error as DecodingError & { response?: Response }).response, response);
    }
  });
}

test('each value comes as soon as its line is there; leaving the loop closes the response', async (t) => {
  const gated = gate();
  const server = await serve(t, async (_, response) => {
    response.write('{"n":1}\n{"n":2}');
    await gated.promise;
    response.write('\n{"n":3}\n');
  });
  const response = await openClient(t).stream('GET', server.url);
  const seen: number[] = [];
  for await (const { n } of response.iterJson<{ n: number }>()) {
    seen.push(n);
    if (n === 1) gated.open();
    if (n === 2) break;
  }
  t.deepEqual(seen, [1, 2]);
  t.true(response.isClosed);
});

/** As a reader of one line after the other has them. */
function reference(lines: string[]): { values: unknown[]; broken: number | null } {
  const values: unknown[] = [];
  for (const [at, line] of lines.entries()) {
    try {
      if (line.trim() !== '') values.push(JSON.parse(line));
    } catch {
      return { values, broken: at + 1 };
    }
  }
  return { values, broken: null };
}

/** Objects, and what would be one or two of them with the line before or behind it. */
const FRAGMENTS = [
  '{"a":1}',
  '{"a":{"b":"c"}}',
  '{}\r',
  ' {}',
  '',
  '{"a":{}',
  '{}}',
  '"b":2}',
  '{},{}',
  '{} {}',
  '{"a":"x',
  '{y"}',
  '{"a":[1]}',
  '{"a":[{}',
  '{}]}',
  '{}]',
  '[{}',
  '{"a":"["}',
  '{"__proto__":1}',
];

test('many lines that are parsed at once are what each is by itself', async (t) => {
  const line = fc.oneof(
    { weight: 8, arbitrary: fc.constant('{"text":"a token or two"}') },
    fc.constantFrom(...FRAGMENTS),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 60 }), async (lines) => {
      const expected = reference(lines);
      const values: unknown[] = [];
      const reading = (async () => {
        for await (const value of streamed([Buffer.from(`${lines.join('\n')}\n`)]).iterJson()) values.push(value);
      })();
      if (expected.broken === null) await reading;
      else t.regex((await failure(reading)).message, new RegExp(`line ${expected.broken} is no JSON`));
      t.deepEqual(values, expected.values);
    }),
    { numRuns: 500 },
  );
});

for (const [title, pair] of [
  ['in an array', ['{"a":[{}', '{}]}']],
  ['in a string', ['{"a":"x', '{y"}']],
  ['in an object', ['{"a":{}', '{}}']],
] as const) {
  test(`two lines that are one value ${title}, and one that is two: neither is let through`, async (t) => {
    const objects = Array.from({ length: 30 }, (_, n) => `{"n":${n},"text":"a token"}`);
    const lines = [...objects, ...pair, '{},{}', ...objects];
    const values: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const value of streamed([Buffer.from(lines.join('\n'))]).iterJson()) values.push(value);
      })(),
    );
    t.is(values.length, 30);
    t.regex(error.message, /line 31 is no JSON/);
  });
}

test('a chunk of a megabyte: each line once, in order, and the number of a broken one', async (t) => {
  const lines = Array.from({ length: 20_000 }, (_, n) =>
    n % 7 === 0 ? `[${n}]` : `{"n":${n},"text":"${'é'.repeat(n % 40)}"}`,
  );
  lines[19_000] = '{"n":';
  const bytes = Buffer.from(lines.join('\n'));
  t.true(bytes.length > 1e6);
  let at = 0;
  const error = await failure(
    (async () => {
      for await (const value of streamed([bytes]).iterJson()) t.deepEqual(value, JSON.parse(lines[at++]));
    })(),
  );
  t.is(at, 19_000);
  t.regex(error.message, /line 19001 is no JSON/);
});

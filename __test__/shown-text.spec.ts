/** How values are shown in messages. */
import test from 'ava';
import { inspect } from 'node:util';
import { quote, typeName } from '../src/shown-text.js';

const QUOTED: [text: string, shown: string][] = [
  ['abc', "'abc'"],
  ["it's \\", "'it\\'s \\\\'"],
  ['\r\n\t\0\u001b', "'\\r\\n\\t\\u{0}\\u{1b}'"],
  ['\ud800\u2028\u202e', "'\\u{d800}\\u{2028}\\u{202e}'"],
  ['é☃', "'é☃'"],
  ['x'.repeat(101), `'${'x'.repeat(100)}…'`],
];

for (const [text, shown] of QUOTED) {
  test(`quote() shows ${JSON.stringify(text.slice(0, 20))} as ${shown.slice(0, 30)}`, (t) => t.is(quote(text), shown));
}

const NAMED: [value: unknown, name: string][] = [
  [null, 'null'],
  [undefined, 'undefined'],
  [1, 'number'],
  ['s3kr3t', 'string'],
  [[], 'Array'],
  [{}, 'Object'],
  [Object.create(null), 'object'],
  [new Date(0), 'Date'],
  [{ constructor: 's3kr3t' }, 'object'],
  [() => 1, 'function'],
];

for (const [value, name] of NAMED) {
  test(`typeName() of ${inspect(value)} is ${name}`, (t) => t.is(typeName(value), name));
}

/** JSON on a terminal: laid out on its text. */
import test from 'ava';
import { array, assert, constantFrom, json, property } from '../helpers/fast-check.js';
import { plain } from '../../src/cli/colors.js';
import { colorJson, layOutJson } from '../../src/cli/json-layout.js';

const laid = (text: string) => layOutJson(text, plain, (part) => part);

const rows: [text: string, expected: string | null][] = [
  ['{}', '{}'],
  ['[ ]', '[]'],
  ['1.0', '1.0'],
  ['-0', '-0'],
  ['1e400', '1e400'],
  ['12345678901234567890.10', '12345678901234567890.10'],
  ['"\\u001b\\/ü"', '"\\u001b\\/ü"'],
  [' \n true\t', 'true'],
  ['{"b":1,"a":1.0,"b":2}', '{\n  "b": 1,\n  "a": 1.0,\n  "b": 2\n}'],
  ['[[],{}]', '[\n  [],\n  {}\n]'],
  ['[1,[2,{"a":[null]}]]', '[\n  1,\n  [\n    2,\n    {\n      "a": [\n        null\n      ]\n    }\n  ]\n]'],
  ['', null],
  ['{', null],
  ['{"a"}', null],
  ['{"a":}', null],
  ['{"a":1,}', null],
  ['[1,]', null],
  ['[1 2]', null],
  ['{a:1}', null],
  ["{'a':1}", null],
  ['01', null],
  ['1.', null],
  ['NaN', null],
  ['"a\nb"', null],
  ['"\\x"', null],
  ['{}{}', null],
  ['[}', null],
  ['nul', null],
  ['//x', null],
  ['<html>', null],
  ['['.repeat(100_000), null],
];
for (const [text, expected] of rows) {
  test(`layout: ${text.slice(0, 40)}`, (t) => t.is(laid(text), expected));
}

test('a layout says what the text says, and is JSON.stringify’s own', (t) => {
  assert(
    property(
      json(),
      (text) => laid(text) === JSON.stringify(JSON.parse(text), null, 2) || /-0|[eE.]|__proto__|"\d+":/.test(text),
    ),
  );
  assert(
    property(json(), (text) => JSON.stringify(JSON.parse(laid(text) as string)) === JSON.stringify(JSON.parse(text))),
  );
  t.pass();
});

test('what JSON.parse refuses is no JSON here, and the other way round', (t) => {
  const parses = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };
  const piece = constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"a"',
    '1',
    '-',
    '0',
    '.5',
    'e3',
    'true',
    'null',
    ' ',
    '"',
    '\\',
    'x',
  );
  assert(
    property(array(piece, { maxLength: 8 }), (parts) => (laid(parts.join('')) !== null) === parses(parts.join(''))),
    { numRuns: 2_000 },
  );
  t.pass();
});

test('a string without an end is read once', (t) => {
  // Quadratic, this would take minutes.
  const text = `"${'\\"'.repeat(1_000_000)}\\\n`;
  t.is(
    colorJson(text, (_role, part) => part),
    text,
  );
});

test('colours leave the text', (t) => {
  const text = '{"a": [1, "x\\"y", null], "b":1e5}';
  const painted = colorJson(text, (role, part) => `<${role}>${part}</>`);
  t.is(painted.replace(/<\w*\/?>|<\/>/g, ''), text);
  t.is(painted, '{<name>"a"</>: [<number>1</>, <text>"x\\"y"</>, <word>null</>], <name>"b"</>:<number>1e5</>}');
});

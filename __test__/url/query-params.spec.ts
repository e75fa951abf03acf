import { inspect } from 'node:util';
import test from 'ava';
import { QueryParams } from '../../src/url/query-params.js';
import type { QueryParamTypes } from '../../src/types.js';

const READ: [params: QueryParamTypes, pairs: [string, string][]][] = [
  [
    'a=123&a=456&b=789',
    [
      ['a', '123'],
      ['a', '456'],
      ['b', '789'],
    ],
  ],
  ['', []],
  ['a', [['a', '']]],
  ['a=', [['a', '']]],
  ['=a', [['', 'a']]],
  ['a=b=c', [['a', 'b=c']]],
  ['&&a=1&&', [['a', '1']]],
  ['a=1;b=2', [['a', '1;b=2']]],
  ['?a=1', [['?a', '1']]],
  ['a+b=c+d%2B', [['a b', 'c d+']]],
  ['%zz=1', [['%zz', '1']]],
  [
    'a=50%&b=%4',
    [
      ['a', '50%'],
      ['b', '%4'],
    ],
  ],
  ['%C3%A9=%e2%98%83', [['é', '☃']]],
  ['a=%97%98', [['a', '\ufffd\ufffd']]],
  [
    new URLSearchParams('b=1&a=2&b=3'),
    [
      ['b', '1'],
      ['a', '2'],
      ['b', '3'],
    ],
  ],
  [
    [
      ['b', '1'],
      ['a', 2],
      ['b', null],
    ],
    [
      ['b', '1'],
      ['a', '2'],
      ['b', ''],
    ],
  ],
  [new Map([['a', 1]]), [['a', '1']]],
  [
    { a: ['123', '456'], b: 789 },
    [
      ['a', '123'],
      ['a', '456'],
      ['b', '789'],
    ],
  ],
  [
    { a: ['x', null, true, 1.5] },
    [
      ['a', 'x'],
      ['a', ''],
      ['a', 'true'],
      ['a', '1.5'],
    ],
  ],
  [
    { a: true, b: false, c: '', d: null, e: 1.23, f: 123, g: 10n },
    [
      ['a', 'true'],
      ['b', 'false'],
      ['c', ''],
      ['d', ''],
      ['e', '1.23'],
      ['f', '123'],
      ['g', '10'],
    ],
  ],
  [{ a: [], b: undefined, c: 1 }, [['c', '1']]],
  [{}, []],
  [
    { ['__proto__']: '1', constructor: '2', toString: '3' },
    [
      ['__proto__', '1'],
      ['constructor', '2'],
      ['toString', '3'],
    ],
  ],
];

for (const [params, pairs] of READ) {
  test(`reads ${inspect(params, { breakLength: Infinity })}`, (t) => {
    t.deepEqual(new QueryParams(params).multiItems(), pairs);
    t.deepEqual(new QueryParams(new QueryParams(params)).multiItems(), pairs);
  });
}

const WRITTEN: [params: QueryParamTypes, text: string][] = [
  [{ a: [1, 2] }, 'a=1&a=2'],
  [
    [
      ['b', 1],
      ['a', 2],
      ['b', 3],
    ],
    'b=1&a=2&b=3',
  ],
  [{ a: [] }, ''],
  [{ a: null }, 'a='],
  ['a', 'a='],
  ['%zz=1', '%25zz=1'],
  [{ a: '%20' }, 'a=%2520'],
  [{ é: 'ü &=+' }, '%C3%A9=%C3%BC+%26%3D%2B'],
  [{ a: "-._~*!'()" }, 'a=-._~%2A%21%27%28%29'],
  [{ a: 'AZaz09' }, 'a=AZaz09'],
  [{ a: '\r\n\0/?#[]@' }, 'a=%0D%0A%00%2F%3F%23%5B%5D%40'],
  [{ a: '\u{1f600}\ud800' }, 'a=%F0%9F%98%80%EF%BF%BD'],
];

for (const [params, text] of WRITTEN) {
  test(`writes ${inspect(params, { breakLength: Infinity })} as ${text}`, (t) => {
    t.is(new QueryParams(params).toString(), text);
  });
}

test('the first value of a name is its value; getList and multiItems give all', (t) => {
  const params = new QueryParams('a=123&a=456&b=789');
  t.true(params.has('a'));
  t.false(params.has('A'));
  t.false(params.has('c'));
  t.is(params.get('a'), '123');
  t.is(params.get('c'), undefined);
  t.deepEqual(params.getList('a'), ['123', '456']);
  t.deepEqual(params.getList('c'), []);
  t.deepEqual([...params.keys()], ['a', 'b']);
  t.deepEqual([...params.values()], ['123', '789']);
  t.deepEqual(
    [...params],
    [
      ['a', '123'],
      ['b', '789'],
    ],
  );
  t.is(params.size, 2);
});

test('set, add, remove and merge return a copy', (t) => {
  const params = new QueryParams('a=123');
  t.is(params.set('a', '456').toString(), 'a=456');
  t.is(params.add('a', 456).toString(), 'a=123&a=456');
  t.is(params.remove('a').toString(), '');
  t.is(params.remove('b').toString(), 'a=123');
  t.is(params.merge({ b: '456', a: '000', c: 789 }).toString(), 'a=000&b=456&c=789');
  t.is(params.merge('').toString(), 'a=123');
  t.is(params.toString(), 'a=123');
});

test('a changed name keeps its place, a new one goes to the end', (t) => {
  const params = new QueryParams('a=1&b=2&a=3&c=4');
  t.is(params.set('a', 9).toString(), 'a=9&b=2&c=4');
  t.is(params.set('d', 9).toString(), 'a=1&b=2&a=3&c=4&d=9');
  t.is(params.merge('a=8&a=9').toString(), 'a=8&a=9&b=2&c=4');
  t.is(params.merge('y=1&x=2&y=3').toString(), 'a=1&b=2&a=3&c=4&y=1&x=2&y=3');
});

test('equality is of the pairs, in whatever order', (t) => {
  t.true(new QueryParams('a=1&b=2&a=3').equals('a=3&a=1&b=2'));
  t.true(new QueryParams('a=1').equals({ a: 1 }));
  t.false(new QueryParams('a=1').equals('A=1'));
  t.false(new QueryParams('a=1&a=1').equals('a=1'));
  t.false(new QueryParams('').equals(1 as never));
});

const BAD: [params: unknown, message: string][] = [
  [{ a: {} }, "Query parameter 'a': expected a string, number, bigint, boolean or null, got Object"],
  [{ a: { b: 1 } }, "Query parameter 'a': expected a string, number, bigint, boolean or null, got Object"],
  [{ a: [[1]] }, "Query parameter 'a': expected a string, number, bigint, boolean or null, got Array"],
  [{ when: new Date(0) }, "Query parameter 'when': expected a string, number, bigint, boolean or null, got Date"],
  [{ f() {} }, "Query parameter 'f': expected a string, number, bigint, boolean or null, got function"],
  [{ 'a\n': Symbol('x') }, "Query parameter 'a\\n': expected a string, number, bigint, boolean or null, got symbol"],
  [[['a', {}]], "Query parameter 'a': expected a string, number, bigint, boolean or null, got Object"],
  [['ab'], 'params: expected pairs of name and value, got string'],
  [[['a']], 'params: expected pairs of name and value, got Array'],
  [[[1, 2]], 'Query parameter names must be strings, got number'],
  [5, 'params: expected a string, an object or pairs, got number'],
  [new Date(0), 'params: expected an object of names and values, got Date'],
  [Promise.resolve({ a: 1 }), 'params: expected an object of names and values, got Promise'],
  [/a=1/, 'params: expected an object of names and values, got RegExp'],
];

for (const [params, message] of BAD) {
  test(`refuses ${inspect(params)}`, (t) => {
    t.throws(() => new QueryParams(params as QueryParamTypes), { instanceOf: TypeError, message });
  });
}

test('set and add refuse what the constructor refuses', (t) => {
  const params = new QueryParams();
  t.throws(() => params.set('a', undefined as never), { instanceOf: TypeError, message: /'a'.*got undefined/ });
  t.throws(() => params.add('a', {} as never), { instanceOf: TypeError, message: /'a'.*got Object/ });
  t.throws(() => params.set(1 as never, 'a'), { instanceOf: TypeError, message: /names must be strings/ });
});

test('only own properties count', (t) => {
  Reflect.defineProperty(Object.prototype, 'evil', { value: '1', enumerable: true, configurable: true });
  try {
    t.is(new QueryParams({ a: 1 }).toString(), 'a=1');
    t.is(new QueryParams({ a: 1 }).get('evil'), undefined);
  } finally {
    delete (Object.prototype as Record<string, unknown>).evil;
  }
  t.is(new QueryParams('__proto__=1').get('__proto__'), '1');
  t.is(new QueryParams('').get('constructor'), undefined);
});

test('inspect() shows the text', (t) => {
  t.is(inspect(new QueryParams({ a: "b'c" })), "QueryParams('a=b%27c')");
});

// In quadratic time these would run into the time limit of all tests, and far beyond.

test('a megabyte is read and written', (t) => {
  for (const text of ['a&', 'a=1&', '%', '%41', '+', '=', '&', 'é']) {
    t.notThrows(() => new QueryParams(text.repeat(1_048_576 / text.length)).toString(), text);
  }
  const many = new QueryParams(Array.from({ length: 400_000 }, (_, i): [string, number] => [`k${i}`, i]));
  t.is(many.merge(many).size, 400_000);
});

/** Parameters in a URL that has a query already: what is not changed stays as it is written (field row v07). */
import test from 'ava';
import { inspect } from 'node:util';
import { Client, InvalidURL, QueryParams, type QueryParamTypes, Request, URL } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const ODD = 'q=caf%E9&wsdl&f=a:b/c%20d;e&bad=%zz';
const MERGED: [query: string, params: QueryParamTypes, expected: string][] = [
  [ODD, { page: 2 }, `${ODD}&page=2`],
  [ODD, {}, ODD],
  [ODD, { wsdl: 1 }, 'q=caf%E9&wsdl=1&f=a:b/c%20d;e&bad=%zz'],
  [ODD, { q: 'é' }, 'q=%C3%A9&wsdl&f=a:b/c%20d;e&bad=%zz'],
  ['', { a: 'b c' }, 'a=b+c'],
  ['a=', { b: 1 }, 'a=&b=1'],
  ['a', { b: 1 }, 'a&b=1'],
  ['=x', { b: 1 }, '=x&b=1'],
  ['a=1&&b=2', { c: 3 }, 'a=1&&b=2&c=3'],
  ['a=1&', { c: 3 }, 'a=1&&c=3'],
  ['a=%7E&b=%2f', { c: 3 }, 'a=%7E&b=%2f&c=3'],
  ['a=x+y&b=x%20y', { c: 'x y' }, 'a=x+y&b=x%20y&c=x+y'],
  ['a=1&b=2&a=3', { a: 4 }, 'a=4&b=2'],
  ['a=1&b=2&a=3', { a: [4, 5] }, 'a=4&a=5&b=2'],
  ['a=1&b=2', [['c', 'x'], ['a', 'y'], ['c', 'z']], 'a=y&b=2&c=x&c=z'], // prettier-ignore
  ['%61=1&b=2', { a: 3 }, 'a=3&b=2'],
  ['a+b=1', { 'a b': 2 }, 'a+b=2'],
  ['a=1', 'b=%C3%A9', 'a=1&b=%C3%A9'],
  ['sig=%E9%FF%00', { a: '1' }, 'sig=%E9%FF%00&a=1'],
  ['a=1', 'q=caf%E9&b', 'a=1&q=caf%E9&b='],
  ['', 'q=caf%e9 ü&%FF=1&r=%C3', 'q=caf%E9+%C3%BC&%FF=1&r=%C3'],
  ['q=%E8&z', 'q=%E9&q=%EA', 'q=%E9&q=%EA&z'],
  ['', new QueryParams('a=%80&b=2').add('c', 'é').set('b', 3), 'a=%80&b=3&c=%C3%A9'],
  ['', new QueryParams('a=%80&a=%81&b=%82').remove('b'), 'a=%80&a=%81'],
  ['', new QueryParams('a=%80').merge('b=%81&a=%82'), 'a=%82&b=%81'],
  ['', new URL('http://h/?a=%80').params, 'a=%80'],
  ['', 'a=%EF%BF%BD', 'a=%EF%BF%BD'],
];

for (const [query, params, expected] of MERGED) {
  test(`?${query} with ${inspect(params)}`, async (t) => {
    const url = new URL(`http://h/p?${query}#f`);
    t.is(url.copyMergeParams(params).toString(), `http://h/p${expected === '' ? '' : `?${expected}`}#f`);
    t.is(new Request('GET', `http://h/p?${query}`, { params }).url.query, expected);
    t.is(new Client().buildRequest('GET', `http://h/p?${query}`, { params }).url.query, expected);
    t.is(new Client({ params }).buildRequest('GET', `http://h/p?${query}`).url.query, expected);
  });
}

const CHANGED: [what: string, change: (url: URL) => URL, expected: string][] = [
  ['set', (url) => url.copySetParam('wsdl', 2), 'q=caf%E9&wsdl=2&f=a:b/c%20d;e&bad=%zz'],
  ['set anew', (url) => url.copySetParam('x', null), `${ODD}&x=`],
  ['added', (url) => url.copyAddParam('wsdl', 2), `${ODD}&wsdl=2`],
  ['removed', (url) => url.copyRemoveParam('f'), 'q=caf%E9&wsdl&bad=%zz'],
  ['removed without a value', (url) => url.copyRemoveParam('wsdl'), 'q=caf%E9&f=a:b/c%20d;e&bad=%zz'],
  ['not there', (url) => url.copyRemoveParam('x'), ODD],
];

for (const [what, change, expected] of CHANGED) {
  test(`a parameter ${what}`, (t) => t.is(change(new URL(`http://h/?${ODD}`)).query, expected));
}

test('the last parameter removed takes the question mark', (t) => {
  t.is(new URL('http://h/?a=1#f').copyRemoveParam('a').toString(), 'http://h/#f');
});

const BASES: [base: string, url: string, params: QueryParamTypes | undefined, expected: string][] = [
  [`?${ODD}`, 'x', undefined, ODD],
  [`?${ODD}`, 'x?page=2', undefined, `${ODD}&page=2`],
  [`?${ODD}`, 'x?q=%E8&z', undefined, 'q=%E8&wsdl&f=a:b/c%20d;e&bad=%zz&z'],
  [`?${ODD}`, 'x?z', { p: 1 }, `${ODD}&z&p=1`],
  ['', 'x?a=%E9', undefined, 'a=%E9'],
];

for (const [base, url, params, expected] of BASES) {
  test(`a base URL with ${base}, asked for ${url} with ${JSON.stringify(params)}`, (t) => {
    const client = new Client({ baseUrl: `http://h/api/${base}` });
    t.is(client.buildRequest('GET', url, { params }).url.query, expected);
  });
}

test('on the wire', async (t) => {
  const server = await serve(t, (_, response) => response.end());
  await openClient(t).get(`${server.origin}/?${ODD}`, { params: { page: 2 } });
  t.is(server.requests[0].target, `/?${ODD}&page=2`);
});

const LONG = 'x'.repeat(100_000);
const TOO_LONG: [what: string, make: () => unknown][] = [
  ['params of a URL', () => new URL('http://h/').copyMergeParams({ a: LONG })],
  ['a parameter set', () => new URL('http://h/').copySetParam('a', LONG)],
  ['a parameter added', () => new URL('http://h/').copyAddParam('a', LONG)],
  ['params of a Request', () => new Request('GET', 'http://h/', { params: { a: LONG } })],
  ['params as a component', () => new URL('http://h/', { params: { a: LONG } })],
  ['components that are too long together', () => new URL('http://h/', { path: `/${'x'.repeat(40_000)}`, query: 'x'.repeat(40_000) })],
  ['text that is too long when it is encoded', () => new URL(`http://h/${'é'.repeat(30_000)}`)],
]; // prettier-ignore

for (const [what, make] of TOO_LONG) {
  test(`too long: ${what}`, (t) => t.throws(make, { instanceOf: InvalidURL, message: 'URL too long' }));
}

test('too long: nothing is sent, nothing of it is shown', async (t) => {
  const error = await t.throwsAsync(openClient(t).get('http://127.0.0.1:1/', { params: { token: LONG } }));
  t.true(error instanceof InvalidURL);
  t.is(error?.message, 'URL too long');
  const url = new URL('http://h/');
  t.throws(() => (url.fullPath = `/${LONG}`), { instanceOf: TypeError, message: /^fullPath: too long/ });
});

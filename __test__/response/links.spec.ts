/** The Link header, row by row. */
import test from 'ava';
import { inspect } from 'node:util';
import { Response } from '../../src/index.js';

const LINKS: [header: string, links: Record<string, Record<string, string>>][] = [
  [
    '</hub>; rel="hub", </resource>; rel="self"',
    { hub: { url: '/hub', rel: 'hub' }, self: { url: '/resource', rel: 'self' } },
  ],
  [
    '<http:/.../front.jpeg>; rel=front; type="image/jpeg"',
    { front: { url: 'http:/.../front.jpeg', rel: 'front', type: 'image/jpeg' } },
  ],
  ['<http:/.../front.jpeg>', { 'http:/.../front.jpeg': { url: 'http:/.../front.jpeg' } }],
  ['<http:/.../front.jpeg>;', { 'http:/.../front.jpeg': { url: 'http:/.../front.jpeg' } }],
  [
    '<front.jpeg>; type="image/jpeg",<back.jpeg>;',
    { 'front.jpeg': { url: 'front.jpeg', type: 'image/jpeg' }, 'back.jpeg': { url: 'back.jpeg' } },
  ],
  ['', {}],
  ['<a>; rel="next prev"', { next: { url: 'a', rel: 'next' }, prev: { url: 'a', rel: 'prev' } }],
  ['<a>; rel=""', { a: { url: 'a', rel: '' } }],
  ['<a>; rel=next, <b>; rel=next', { next: { url: 'b', rel: 'next' } }],
  ['<a>; rel=next; rel=prev', { next: { url: 'a', rel: 'next' } }],
  ['<a> ; REL = next ; title = "x"', { next: { url: 'a', rel: 'next', title: 'x' } }],
  ['<a>; rel=next; title="a, <b>; c=\\"d\\""', { next: { url: 'a', rel: 'next', title: 'a, <b>; c="d"' } }],
  ['<a>; rel=next; title="a=b"', { next: { url: 'a', rel: 'next', title: 'a=b' } }],
  ['<a,b;c>; rel=next', { next: { url: 'a,b;c', rel: 'next' } }],
  ["<a>; rel=next; title*=UTF-8'en'%e2%82%ac; title=x", { next: { url: 'a', rel: 'next', title: '€' } }],
  ["<a>; rel=next; title*=UTF-8''%zz", { next: { url: 'a', rel: 'next', 'title*': "UTF-8''%zz" } }],
  ['<a>; rel=next; crossorigin', { next: { url: 'a', rel: 'next', crossorigin: '' } }],
  [', ,<a>;;rel=next,,', { next: { url: 'a', rel: 'next' } }],
  ['garbage, <a>; rel=next', { next: { url: 'a', rel: 'next' } }],
  ['"quoted, <x>", <a>; rel=next', { next: { url: 'a', rel: 'next' } }],
  ['<a', {}],
  ['<a>; rel="next', { next: { url: 'a', rel: 'next' } }],
  ['<a>; rel="next\\', { 'next\\': { url: 'a', rel: 'next\\' } }],
  ['<a>; rel=https://example.org/rel', { 'https://example.org/rel': { url: 'a', rel: 'https://example.org/rel' } }],
];

for (const [header, links] of LINKS) {
  test(`links: ${inspect(header)}`, (t) => {
    t.deepEqual(new Response(200, { headers: { Link: header } }).links, links);
  });
}

test('links: several headers are one list; none is no link', (t) => {
  const response = new Response(200, { headers: { link: ['<a>; rel=next', '<b>; rel=prev'] } });
  t.deepEqual(Object.keys(response.links), ['next', 'prev']);
  t.deepEqual(new Response(200).links, {});
});

test('links: the names of Object.prototype are names like any other', (t) => {
  const { links } = new Response(200, { headers: { link: '<a>; rel=__proto__; __proto__=x, <b>; rel=constructor' } });
  t.deepEqual(Object.keys(links), ['__proto__', 'constructor']);
  t.is(Object.getPrototypeOf(links), Object.prototype);
});

test('links: 64 KB of anything take no time to speak of', (t) => {
  for (const filler of ['<', '<>', '"', ';', ',', '<a>;', '<a>; rel="', '\\"', ' ', '<a>;x=']) {
    t.notThrows(() => new Response(200, { headers: { link: `,${filler.repeat(65_536 / filler.length)}x` } }).links);
  }
});

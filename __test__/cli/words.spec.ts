/** Words of a command line: method, URL, items; and the URL as people type it. */
import test from 'ava';
import { readItem } from '../../src/cli/items.js';
import { nearest } from '../../src/cli/nearest.js';
import { toUrl } from '../../src/cli/target-url.js';
import { UsageError } from '../../src/cli/usage-error.js';
import { readWords } from '../../src/cli/words.js';

const urls: [given: string, expected: string][] = [
  ['example.org', 'https://example.org'],
  ['example.org/a?b=1#c', 'https://example.org/a?b=1#c'],
  ['example.org:8443', 'https://example.org:8443'],
  ['user:secret@example.org', 'https://user:secret@example.org'],
  ['//example.org/a', 'https://example.org/a'],
  ['http://example.org', 'http://example.org'],
  ['HTTPS://example.org', 'https://example.org'],
  ['localhost', 'http://localhost'],
  ['LOCALHOST/x', 'http://localhost/x'],
  ['localhost.', 'http://localhost.'],
  ['localhost:3000/a', 'http://localhost:3000/a'],
  ['app.localhost', 'http://app.localhost'],
  ['a.b.localhost:1/x', 'http://a.b.localhost:1/x'],
  ['notlocalhost', 'https://notlocalhost'],
  ['localhost.example.org', 'https://localhost.example.org'],
  ['127.0.0.1', 'http://127.0.0.1'],
  ['127.8.9.10:80/', 'http://127.8.9.10/'],
  ['128.0.0.1', 'https://128.0.0.1'],
  ['127.example.org', 'https://127.example.org'],
  ['[::1]', 'http://[::1]'],
  ['[::1]:8080/a', 'http://[::1]:8080/a'],
  ['[::2]', 'https://[::2]'],
  ['[::ffff:127.0.0.1]', 'http://[::ffff:127.0.0.1]'],
  [':8080/path', 'http://localhost:8080/path'],
  [':8080', 'http://localhost:8080'],
  [':/path', 'http://localhost/path'],
  [':', 'http://localhost'],
  [':8080?a=1', 'http://localhost:8080?a=1'],
];
for (const [given, expected] of urls) {
  test(`URL: ${given}`, (t) => {
    t.is(toUrl(given).toString().replace(/\/$/, ''), toUrl(expected).toString().replace(/\/$/, ''));
    t.is(toUrl(given).scheme, expected.split(':')[0]);
  });
}

for (const given of ['http://', 'ftp://example.org', 'http://a b/', 'http://example.org:99999', 'file:///etc/passwd']) {
  test(`no URL: ${given}`, (t) => {
    t.throws(() => toUrl(given), { instanceOf: UsageError, message: /^URL: / });
  });
}

const lines: [words: string[], method: string | null, url: string, items: string[]][] = [
  [['example.org'], null, 'example.org', []],
  [['get', 'example.org'], 'GET', 'example.org', []],
  [['PURGE', 'example.org', 'a=1'], 'PURGE', 'example.org', ['a=1']],
  [['foo', 'https://example.org'], 'FOO', 'https://example.org', []],
  [['post', ':8080/x', 'a=1'], 'POST', ':8080/x', ['a=1']],
  [['delete', 'localhost'], 'DELETE', 'localhost', []],
  [['put', '[::1]:80/'], 'PUT', '[::1]:80/', []],
  [['localhost', 'a=1'], null, 'localhost', ['a=1']],
  [['localhost', 'X-Id:1'], null, 'localhost', ['X-Id:1']],
  [['intranet', 'a==1', 'b:=2'], null, 'intranet', ['a==1', 'b:=2']],
  [['intranet', 'Accept:text/html'], null, 'intranet', ['Accept:text/html']],
  [['intranet', 'f@file.txt'], null, 'intranet', ['f@file.txt']],
  [['example.org', 'get=1'], null, 'example.org', ['get=1']],
];
for (const [words, method, url, items] of lines) {
  test(`words: ${words.join(' ')}`, (t) => t.deepEqual(readWords(words, undefined), { method, url, items }));
}

test('--method: what follows is the URL; lower case is sent in upper case', (t) => {
  t.deepEqual(readWords(['example.org', 'a=1'], 'put'), { method: 'PUT', url: 'example.org', items: ['a=1'] });
  t.is(readWords(['example.org'], 'Mixed').method, 'Mixed');
  t.throws(() => readWords(['get', 'example.org'], 'PUT'), { instanceOf: UsageError, message: /given twice/ });
  t.throws(() => readWords(['example.org'], 'A B'), { instanceOf: UsageError, message: /--method: 'A B'/ });
});

for (const words of [[], ['GET'], ['post'], ['']]) {
  test(`no URL among: ${JSON.stringify(words)}`, (t) => {
    t.throws(() => readWords(words, undefined), { instanceOf: UsageError, message: /URL/ });
  });
}

const items: [word: string, kind: string, name: string, value: string | null][] = [
  ['a==1', 'query', 'a', '1'],
  ['a=1', 'field', 'a', '1'],
  ['a=', 'field', 'a', ''],
  ['a=b=c', 'field', 'a', 'b=c'],
  ['a:=1.0', 'json', 'a', '1.0'],
  ['a:={"b":[1]}', 'json', 'a', '{"b":[1]}'],
  ['Accept:text/html', 'header', 'Accept', 'text/html'],
  ['X:a:b', 'header', 'X', 'a:b'],
  ['User-Agent:', 'header', 'User-Agent', null],
  ['X-Empty;', 'header', 'X-Empty', ''],
  ['f@a.txt', 'file', 'f', 'a.txt'],
  ['f@a=b.txt', 'file', 'f', 'a=b.txt'],
  ['@whole.bin', 'file', '', 'whole.bin'],
  ['a=@a.txt', 'field-file', 'a', 'a.txt'],
  ['a:=@a.json', 'json-file', 'a', 'a.json'],
  ['a\\:b=1', 'field', 'a:b', '1'],
  ['a\\=b=1', 'field', 'a=b', '1'],
  ['a\\@b:=1', 'json', 'a@b', '1'],
  ['back\\slash=1', 'field', 'back\\slash', '1'],
  ['q==a==b', 'query', 'q', 'a==b'],
  ['X:;', 'header', 'X', ';'],
  ['ü=ß', 'field', 'ü', 'ß'],
];
for (const [word, kind, name, value] of items) {
  test(`item: ${word}`, (t) => t.deepEqual(readItem(word), { kind, name, value } as never));
}

for (const word of ['plain', '', '=1', ':x', '==1']) {
  test(`no item: '${word}'`, (t) => t.throws(() => readItem(word), { instanceOf: UsageError, message: /^ITEM: / }));
}

test('nearest: typing slips find what was meant, other words nothing', (t) => {
  const known = ['method', 'header', 'verbose', 'output', 'json-output', 'follow', 'no-follow'];
  t.is(nearest('metod', known), 'method');
  t.is(nearest('hedaer', known), 'header');
  t.is(nearest('verb', known), 'verbose');
  t.is(nearest('OUTPUT', known), 'output');
  t.is(nearest('zzzzzzz', known), null);
});

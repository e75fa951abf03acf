/** Which variable of the environment is responsible for a URL; NO_PROXY has its own table in no-proxy.spec.ts. */
import test from 'ava';
import { ProxyEnvironment } from '../../src/connect/proxy-environment.js';
import { URL } from '../../src/index.js';

const P = 'http://p:1';
const Q = 'http://q:2';

const ROWS: [id: string, environment: Record<string, string>, url: string, expected: string | null][] = [
  // by scheme
  ['R31', { HTTP_PROXY: 'http://example.com' }, 'http://google.com', 'http://example.com'],
  ['R31', { HTTP_PROXY: 'example.com' }, 'http://google.com', 'http://example.com'],
  ['', { HTTP_PROXY: 'example.com:3128' }, 'http://google.com', 'http://example.com:3128'],
  ['', { HTTP_PROXY: 'user:pw@example.com' }, 'http://google.com', 'http://user:pw@example.com'],
  ['', { HTTP_PROXY: 'socks5://p' }, 'http://google.com', 'socks5://p'],
  ['R45', { HTTP_PROXY: P }, 'https://google.com', null],
  ['', { HTTPS_PROXY: P }, 'https://google.com', P],
  ['', { HTTPS_PROXY: P }, 'http://google.com', null],
  ['R45', { ALL_PROXY: P, HTTPS_PROXY: Q }, 'https://google.com', Q],
  ['', { ALL_PROXY: P, HTTPS_PROXY: Q }, 'http://google.com', P],
  ['R40', { all_proxy: P }, 'http://google.com', P],
  ['R40', { https_proxy: P, HTTP_PROXY: Q }, 'http://google.com', Q],
  ['R40', { https_proxy: P, HTTP_PROXY: Q }, 'https://google.com', P],
  ['R40', { TRAVIS_APT_PROXY: P }, 'http://google.com', null],
  ['R40', {}, 'http://google.com', null],
  ['R47', { HTTP_PROXY: P }, 'ws://a.com', null],
  ['R47', { HTTPS_PROXY: P }, 'wss://a.com', null],
  ['R47', { ALL_PROXY: P }, 'ws://a.com', P],
  ['', { ALL_PROXY: P }, 'all://a.com', P],
  // spelling
  ['R42', { http_proxy: P, HTTP_PROXY: Q }, 'http://google.com', P],
  ['R42', { HTTP_PROXY: Q, http_proxy: P }, 'http://google.com', P],
  ['', { Http_Proxy: P }, 'http://google.com', P],
  ['', { Http_Proxy: P, HTTP_PROXY: Q }, 'http://google.com', Q],
  ['', { HTTPS_proxy: P, https_proxy: Q }, 'https://google.com', Q],
  ['', { PROXY: P, XHTTP_PROXY: P, HTTP_PROXY_X: P }, 'http://google.com', null],
  // empty and blank
  ['R43', { http_proxy: '', HTTP_PROXY: P }, 'http://google.com', null],
  ['', { http_proxy: ' \t', HTTP_PROXY: P }, 'http://google.com', null],
  ['', { HTTP_PROXY: '', ALL_PROXY: P }, 'http://google.com', P],
  ['R46', { HTTP_PROXY: ' http://px:1 ' }, 'http://google.com', 'http://px:1'],
  ['R46', { HTTP_PROXY: 'ftp://px' }, 'http://google.com', 'ftp://px'],
  // a CGI program
  ['SEC-B16 R44', { HTTP_PROXY: P, REQUEST_METHOD: 'GET' }, 'http://google.com', null],
  ['SEC-B16 R44', { http_proxy: P, REQUEST_METHOD: 'GET' }, 'http://google.com', P],
  ['SEC-B16 R44', { HTTPS_PROXY: P, REQUEST_METHOD: 'GET' }, 'https://google.com', P],
  ['SEC-B16', { Http_Proxy: P, REQUEST_METHOD: 'GET' }, 'http://google.com', null],
  ['SEC-B16', { HTTP_PROXY: P, REQUEST_METHOD: '' }, 'http://google.com', null],
  ['SEC-B16', { HTTP_PROXY: P, ALL_PROXY: Q, REQUEST_METHOD: 'GET' }, 'http://google.com', Q],
  ['SEC-B16', { HTTP_PROXY: P, request_method: 'GET' }, 'http://google.com', P],
  // NO_PROXY, in the same spellings
  ['', { HTTP_PROXY: P, NO_PROXY: 'google.com' }, 'http://google.com', null],
  ['', { HTTP_PROXY: P, No_Proxy: 'google.com' }, 'http://google.com', null],
  ['R62', { HTTP_PROXY: P, no_proxy: '', NO_PROXY: 'a.com' }, 'http://a.com', P],
  ['', { HTTP_PROXY: P, no_proxy: 'a.com', NO_PROXY: 'b.com' }, 'http://b.com', P],
  ['', { HTTP_PROXY: P, NO_PROXY: 'google.com', REQUEST_METHOD: 'GET', http_proxy: Q }, 'http://google.com', null],
];

for (const [id, environment, url, expected] of ROWS) {
  test(`${id} ${JSON.stringify(environment)}: ${url}`.trim(), (t) => {
    t.is(new ProxyEnvironment(environment).variableFor(new URL(url))?.value ?? null, expected);
  });
}

test('the variable is named as it is spelt', (t) => {
  const name = (environment: Record<string, string>): string | undefined =>
    new ProxyEnvironment(environment).variableFor(new URL('http://a.com'))?.name;
  t.is(name({ HTTP_PROXY: P }), 'HTTP_PROXY');
  t.is(name({ Http_Proxy: P }), 'Http_Proxy');
  t.is(name({ all_proxy: P }), 'all_proxy');
});

test('empty is an environment without a proxy, whatever else it says', (t) => {
  t.true(new ProxyEnvironment({ NO_PROXY: 'a.com', http_proxy: '', PATH: '/' }).isEmpty);
  t.false(new ProxyEnvironment({ ALL_PROXY: P }).isEmpty);
});

test('it is a snapshot', (t) => {
  const variables: Record<string, string> = { HTTP_PROXY: P };
  const environment = new ProxyEnvironment(variables);
  variables.HTTP_PROXY = Q;
  variables.NO_PROXY = '*';
  t.is(environment.variableFor(new URL('http://a.com'))?.value, P);
});

test('SEC-B15 what the prototype has is not there', (t) => {
  const variables = Object.create({ HTTP_PROXY: P, REQUEST_METHOD: 'GET' }) as Record<string, string>;
  t.true(new ProxyEnvironment(variables).isEmpty);
  variables.HTTP_PROXY = Q;
  t.is(new ProxyEnvironment(variables).variableFor(new URL('http://a.com'))?.value, Q);
});

test.serial('SEC-B15 nor what Object.prototype has under a number', (t) => {
  const polluted = Object.prototype as Record<string, unknown>;
  try {
    polluted[0] = 'evil';
    polluted.evil = 'http://evil.test';
    t.true(new ProxyEnvironment({ PATH: '/' }).isEmpty);
  } finally {
    delete polluted[0];
    delete polluted.evil;
  }
});

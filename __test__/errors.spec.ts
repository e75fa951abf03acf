import { inspect } from 'node:util';
import test from 'ava';
import * as errors from '../src/errors.js';
import type { ErrorClass } from '../src/errors.js';

// A second copy of the module, as a second version of the package would be. The type is the first one's.
const copy: string = '../src/errors.js?copy=2';
const twin = (await import(copy)) as typeof errors;

const TREE: [name: keyof typeof errors, parent: keyof typeof errors | 'Error', code: string][] = [
  ['HTTPError', 'Error', 'ERR_HTTP'],
  ['InvalidURL', 'HTTPError', 'ERR_INVALID_URL'],
  ['CookieConflict', 'HTTPError', 'ERR_COOKIE_CONFLICT'],
  ['ClientClosed', 'HTTPError', 'ERR_CLIENT_CLOSED'],
  ['HTTPStatusError', 'HTTPError', 'ERR_HTTP_STATUS'],
  ['StreamError', 'HTTPError', 'ERR_STREAM'],
  ['StreamConsumed', 'StreamError', 'ERR_STREAM_CONSUMED'],
  ['StreamClosed', 'StreamError', 'ERR_STREAM_CLOSED'],
  ['ResponseNotRead', 'StreamError', 'ERR_RESPONSE_NOT_READ'],
  ['RequestNotRead', 'StreamError', 'ERR_REQUEST_NOT_READ'],
  ['RequestError', 'HTTPError', 'ERR_REQUEST'],
  ['DecodingError', 'RequestError', 'ERR_DECODING'],
  ['InternalError', 'RequestError', 'ERR_INTERNAL'],
  ['TooManyRedirects', 'RequestError', 'ERR_TOO_MANY_REDIRECTS'],
  ['ResponseTooLarge', 'RequestError', 'ERR_RESPONSE_TOO_LARGE'],
  ['TransportError', 'RequestError', 'ERR_TRANSPORT'],
  ['TimeoutException', 'TransportError', 'ERR_TIMEOUT'],
  ['ConnectTimeout', 'TimeoutException', 'ERR_CONNECT_TIMEOUT'],
  ['ReadTimeout', 'TimeoutException', 'ERR_READ_TIMEOUT'],
  ['WriteTimeout', 'TimeoutException', 'ERR_WRITE_TIMEOUT'],
  ['PoolTimeout', 'TimeoutException', 'ERR_POOL_TIMEOUT'],
  ['TotalTimeout', 'TimeoutException', 'ERR_TOTAL_TIMEOUT'],
  ['NetworkError', 'TransportError', 'ERR_NETWORK'],
  ['ConnectError', 'NetworkError', 'ERR_CONNECT'],
  ['ReadError', 'NetworkError', 'ERR_READ'],
  ['WriteError', 'NetworkError', 'ERR_WRITE'],
  ['CloseError', 'NetworkError', 'ERR_CLOSE'],
  ['ProtocolError', 'TransportError', 'ERR_PROTOCOL'],
  ['LocalProtocolError', 'ProtocolError', 'ERR_LOCAL_PROTOCOL'],
  ['RemoteProtocolError', 'ProtocolError', 'ERR_REMOTE_PROTOCOL'],
  ['ProxyError', 'TransportError', 'ERR_PROXY'],
  ['UnsupportedProtocol', 'TransportError', 'ERR_UNSUPPORTED_PROTOCOL'],
];

const classOf = (name: string, from: object = errors) => (from as Record<string, ErrorClass>)[name];

for (const [name, parent, code] of TREE) {
  test(`${name} is a ${parent} with code ${code}`, (t) => {
    const errorClass = classOf(name);
    const error = new errorClass('what went wrong');
    t.is(Object.getPrototypeOf(errorClass), parent === 'Error' ? Error : classOf(parent));
    t.is(error.code, code);
    t.is(error.name, name);
    t.is(error.message, 'what went wrong');
    t.is(String(error), `${name}: what went wrong`);
    t.is(error.request, undefined);
    t.true(error.stack?.startsWith(`${name}: what went wrong\n`));
    t.deepEqual(Object.keys(error), ['code']);
    t.false(Object.hasOwn(error, 'cause'));
  });
}

test('instanceof works across two copies of the package, and tells the classes apart', (t) => {
  t.not(twin.HTTPError, errors.HTTPError, 'there are two copies');
  const ancestors = (name: string): string[] => {
    const row = TREE.find(([each]) => each === name);
    return row === undefined ? [] : [name, ...ancestors(row[1])];
  };
  for (const [name] of TREE) {
    const error = new (classOf(name, twin))('x');
    for (const [other] of TREE)
      t.is(error instanceof classOf(other), ancestors(name).includes(other), `${name}, ${other}`);
    t.true(error instanceof Error);
  }
});

test('instanceof of other things is false', (t) => {
  for (const value of [null, undefined, 1, 'x', {}, new Error('x'), () => {}]) {
    t.false((value as unknown) instanceof errors.HTTPError);
    t.false((value as unknown) instanceof errors.ReadTimeout);
  }
});

test("a user's subclass is told apart from its parent", (t) => {
  class Mine extends errors.ReadTimeout {}
  class Other extends errors.ReadTimeout {}
  const mine = new Mine('x');
  t.true(mine instanceof Mine);
  t.true(mine instanceof errors.ReadTimeout);
  t.true(mine instanceof twin.TimeoutException);
  t.false(mine instanceof Other);
  t.false(new errors.ReadTimeout('x') instanceof Mine);
  t.is(mine.code, 'ERR_READ_TIMEOUT');
});

test('the aliases are the classes themselves', (t) => {
  t.is(errors.Timeout, errors.TimeoutException);
  t.is(errors.ResponseClosed, errors.StreamClosed);
  t.is(errors.RedirectBodyUnavailable, errors.StreamConsumed);
});

test('details are kept; request and response are hidden from inspect()', (t) => {
  const secret = { headers: 's3kr3t' } as never;
  const cause = new Error('below');
  const error = new errors.ProxyError('x', { code: 'ECONNREFUSED', request: secret, response: secret, cause });
  t.is(error.code, 'ECONNREFUSED');
  t.is(error.request, secret);
  t.is(error.response, secret);
  t.is(error.cause, cause);
  t.notRegex(inspect(error), /s3kr3t/);
  t.notRegex(JSON.stringify(error), /s3kr3t/);
  t.regex(inspect(error), /code: 'ECONNREFUSED'/);
  error.request = undefined;
  t.false(Object.keys(error).includes('request'));
});

test('a cause of undefined is a cause', (t) => {
  t.true(Object.hasOwn(new errors.HTTPError('x', { cause: undefined }), 'cause'));
});

const PROXIES: [given: string, shown: string][] = [
  ['http://user:s3kr3t@proxy:3128', 'http://[secure]@proxy:3128'],
  ['socks5://s3kr3t:p@ss@proxy:1080/', 'socks5://[secure]@proxy:1080/'],
  ['user:s3kr3t@proxy:3128', '[secure]@proxy:3128'],
  ['http://proxy:3128', 'http://proxy:3128'],
  ['proxy:3128', 'proxy:3128'],
];

for (const [given, shown] of PROXIES) {
  test(`proxy ${given} is shown as ${shown}`, (t) => {
    t.is(new errors.ConnectError('x', { proxy: given }).proxy, shown);
  });
}

test('a polluted Object.prototype changes nothing', (t) => {
  const names = ['code', 'request', 'response', 'cause', 'proxy'];
  for (const name of names) Reflect.defineProperty(Object.prototype, name, { value: 'evil', configurable: true });
  try {
    const error = new errors.ReadError('x', {});
    t.is(error.code, 'ERR_READ');
    t.is(error.request, undefined);
    t.false(Object.hasOwn(error, 'cause'));
    t.false(Object.hasOwn(error, 'proxy'));
  } finally {
    for (const name of names) delete (Object.prototype as Record<string, unknown>)[name];
  }
});

test('every kind of the core has the class of its name', (t) => {
  for (const [kind, errorClass] of Object.entries(errors.errorByKind)) t.is(errorClass, classOf(kind));
});

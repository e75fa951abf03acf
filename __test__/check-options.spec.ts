import { inspect } from 'node:util';
import test from 'ava';
import {
  Client,
  Cookies,
  FetchDispatch,
  file,
  get,
  HTTPDispatch,
  HTTPProxy,
  NodeDispatch,
  Request,
  Response,
  TimeoutConfig,
} from '../src/index.js';
import { checkOptions, own } from '../src/check-options.js';

const known = [
  'params',
  'headers',
  'cookies',
  'timeout',
  'followRedirects',
  'baseUrl',
  'verify',
  'cert',
  'auth',
  'app',
];

const UNKNOWN: [given: string, meant: string | undefined][] = [
  ['timout', 'timeout'],
  ['tiemout', 'timeout'],
  ['timeouts', 'timeout'],
  ['header', 'headers'],
  ['param', 'params'],
  ['cookie', 'cookies'],
  ['follow_redirects', 'followRedirects'],
  ['followRedirect', 'followRedirects'],
  ['base_url', 'baseUrl'],
  ['baseURL', 'baseUrl'],
  ['Auth', 'auth'],
  ['verfy', 'verify'],
  ['certificate', 'cert'],
  ['transport', undefined],
  ['allowRedirects', 'followRedirects'],
  ['x', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
];

for (const [given, meant] of UNKNOWN) {
  test(`${inspect(given.slice(0, 50))} is unknown: ${meant ?? 'nothing'} was meant`, (t) => {
    const shown = given.length > 100 ? `${given.slice(0, 100)}…` : given;
    const hint = meant === undefined ? '' : ` Did you mean '${meant}'?`;
    t.throws(() => checkOptions({ [given]: 1 }, known, 'client.get()'), {
      instanceOf: TypeError,
      message: `Unknown option '${shown}' for client.get().${hint}`,
    });
  });
}

test('known names, of whatever value, pass', (t) => {
  t.notThrows(() => checkOptions({}, known, 'x'));
  t.notThrows(() => checkOptions({ params: undefined, headers: null, timeout: 1 }, known, 'x'));
  t.notThrows(() => checkOptions(Object.create(null) as object, known, 'x'));
});

test('an unknown name is an error even without a value', (t) => {
  t.throws(() => checkOptions({ timout: undefined }, known, 'x'), { instanceOf: TypeError });
});

/** Each would pass for an object without options, and its content would be left out in silence. */
const NO_OPTIONS: [what: string, given: () => unknown][] = [
  ['a Map', () => new Map([['timeout', 1]])],
  ['a Set', () => new Set(['timeout'])],
  ['a promise', () => Promise.resolve({ timeout: 1 })],
  ['a Date', () => new Date()],
  ['an Error', () => new Error('secret')],
  ['a RegExp', () => /secret/],
  ['an empty list', () => []],
  ['a list', () => ['secret']],
  ['bytes', () => Buffer.from('secret')],
  ['a form', () => new FormData()],
  ['a query', () => new URLSearchParams('a=secret')],
  ['a response of fetch()', () => new globalThis.Response('secret')],
  ['text', () => 'secret'],
  ['a number', () => 5],
  ['null', () => null],
  ['a function', () => () => 'secret'],
];

const DOORS: [door: string, open: (given: never) => unknown][] = [
  ['new Client()', (given) => new Client(given)],
  ['client.get()', (given) => new Client().get('http://127.0.0.1:1/', given)],
  ['client.post()', (given) => new Client().post('http://127.0.0.1:1/', given)],
  ['client.stream()', (given) => new Client().stream('GET', 'http://127.0.0.1:1/', given)],
  ['client.buildRequest()', (given) => new Client().buildRequest('GET', 'http://127.0.0.1:1/', given)],
  ['client.send()', (given) => new Client().send(new Request('GET', 'http://127.0.0.1:1/'), given)],
  ['client.download()', (given) => new Client().download('http://127.0.0.1:1/', '/nowhere/x', given)],
  ['client.events()', (given) => new Client().events('GET', 'http://127.0.0.1:1/', given)],
  ['client.preconnect()', (given) => new Client().preconnect('http://127.0.0.1:1/', given)],
  ['whippet.get()', (given) => get('http://127.0.0.1:1/', given)],
  ['new Request()', (given) => new Request('GET', 'http://127.0.0.1:1/', given)],
  ['new Response()', (given) => new Response(200, given)],
  ['new HTTPDispatch()', (given) => new HTTPDispatch(given)],
  ['new FetchDispatch()', (given) => new FetchDispatch(given)],
  ['new NodeDispatch()', (given) => new NodeDispatch(given)],
  ['new HTTPProxy()', (given) => new HTTPProxy(given)],
  ['file()', (given) => file('/nowhere/x', given)],
  ['response.iterBytes()', (given) => new Response(200).iterBytes(given)],
  ['response.events()', (given) => new Response(200).events(given)],
  ['cookies.get()', (given) => new Cookies().get('a', given)],
];

for (const [door, open] of DOORS) {
  test(`${door} takes an object of options and nothing that looks like one`, async (t) => {
    for (const [what, given] of NO_OPTIONS) {
      const error = await t.throwsAsync(async () => open(given() as never), { instanceOf: TypeError }, what);
      t.regex(error?.message ?? '', /: expected an object.*, got \w+/, what);
      t.notRegex(error?.message ?? '', /secret/, what);
    }
  });
}

test('a body in the place of the options is told where it belongs', async (t) => {
  const client = new Client();
  await t.throwsAsync(() => client.post('http://127.0.0.1:1/', new FormData() as never), {
    message: 'options of client.post(): expected an object, got FormData; a body is content, json, data or files',
  });
});

const TABLES: [option: string, open: (given: never) => unknown][] = [
  ['timeout', (timeout) => new Client({ timeout })],
  ['TimeoutConfig', (timeout) => new TimeoutConfig(timeout)],
  ['poolLimits', (poolLimits) => new Client({ poolLimits })],
  ['eventHooks', (eventHooks) => new Client({ eventHooks })],
  ['retries', (retries) => new Client({ retries })],
  ['compress', (compress) => new Client({ compress })],
  ['cert', (cert) => new Client({ cert })],
  ['resolve', (resolve) => new Client({ resolve })],
];

for (const [option, open] of TABLES) {
  test(`${option} is an object of options and nothing that looks like one`, (t) => {
    for (const given of [new Map(), new Set(), Promise.resolve({}), new Date(), /x/, new globalThis.Response()]) {
      t.throws(() => open(given as never), { instanceOf: TypeError, message: /(?:: expected|is missing)/ });
    }
  });
}

test('an object of a class of one’s own is one of options', (t) => {
  class Settings {
    timeout = 5;
  }
  class Nothing {
    toString(): string {
      return 'secret';
    }
  }
  t.notThrows(() => checkOptions(new Settings(), known, 'x'));
  t.notThrows(() => checkOptions(new Nothing(), known, 'x'));
});

test('names that are inherited or not enumerable do not count', (t) => {
  const given = Object.create({ timout: 1 }) as object;
  Object.defineProperty(given, 'hidden', { value: 1 });
  t.notThrows(() => checkOptions(given, known, 'x'));
});

test('`__proto__` as an own name is unknown, and harmless', (t) => {
  t.throws(() => checkOptions(JSON.parse('{"__proto__": {"timeout": 1}}') as object, known, 'x'), {
    message: "Unknown option '__proto__' for x.",
  });
});

test('control characters of a name are escaped', (t) => {
  t.throws(() => checkOptions({ 'a\n\u001b': 1 }, known, 'x'), { message: "Unknown option 'a\\n\\u{1b}' for x." });
});

test('own() sees own properties only', (t) => {
  const inherited = Object.create({ timeout: 1 }) as { timeout?: number };
  t.is(own(inherited, 'timeout'), undefined);
  t.is(own({ timeout: 2 }, 'timeout'), 2);
});

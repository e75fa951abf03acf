import { inspect } from 'node:util';
import test from 'ava';
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

import { inspect } from 'node:util';
import test from 'ava';
import { DEFAULT_TIMEOUT, resolveTimeout, TimeoutConfig } from '../src/timeout.js';
import type { TimeoutTypes } from '../src/types.js';

type Five = [
  connect: number | null,
  read: number | null,
  write: number | null,
  pool: number | null,
  total: number | null,
];

function five(timeout: TimeoutConfig): Five {
  const { connectTimeout, readTimeout, writeTimeout, poolTimeout, totalTimeout } = timeout;
  return [connectTimeout, readTimeout, writeTimeout, poolTimeout, totalTimeout];
}

const MADE: [given: ConstructorParameters<typeof TimeoutConfig>[0], expected: Five, shown: string][] = [
  [5000, [5000, 5000, 5000, 5000, null], 'TimeoutConfig(5000)'],
  [0.5, [0.5, 0.5, 0.5, 0.5, null], 'TimeoutConfig(0.5)'],
  [2147483647, [2147483647, 2147483647, 2147483647, 2147483647, null], 'TimeoutConfig(2147483647)'],
  [null, [null, null, null, null, null], 'TimeoutConfig(null)'],
  [{}, [null, null, null, null, null], 'TimeoutConfig(null)'],
  [
    { readTimeout: 5000 },
    [null, 5000, null, null, null],
    'TimeoutConfig(connect=null, read=5000, write=null, pool=null, total=null)',
  ],
  [{ connectTimeout: 1, readTimeout: 1, writeTimeout: 1, poolTimeout: 1 }, [1, 1, 1, 1, null], 'TimeoutConfig(1)'],
  [
    { connectTimeout: 1, readTimeout: 2, writeTimeout: 3, poolTimeout: 4, totalTimeout: 5 },
    [1, 2, 3, 4, 5],
    'TimeoutConfig(connect=1, read=2, write=3, pool=4, total=5)',
  ],
  [
    { connectTimeout: 1, readTimeout: 1, writeTimeout: 1, poolTimeout: 1, totalTimeout: 1 },
    [1, 1, 1, 1, 1],
    'TimeoutConfig(connect=1, read=1, write=1, pool=1, total=1)',
  ],
  [{ connectTimeout: undefined, readTimeout: null }, [null, null, null, null, null], 'TimeoutConfig(null)'],
];

for (const [given, expected, shown] of MADE) {
  test(`new TimeoutConfig(${inspect(given, { breakLength: Infinity })}) is ${shown}`, (t) => {
    const timeout = new TimeoutConfig(given);
    t.deepEqual(five(timeout), expected);
    t.is(inspect(timeout), shown);
    t.is(String(timeout), shown);
    t.true(Object.isFrozen(timeout));
  });
}

test('the default is 5 seconds for each kind, and no total', (t) => {
  t.deepEqual(five(DEFAULT_TIMEOUT), [5000, 5000, 5000, 5000, null]);
});

const inherited = new TimeoutConfig({
  connectTimeout: 1,
  readTimeout: 2,
  writeTimeout: 3,
  poolTimeout: 4,
  totalTimeout: 5,
});

const RESOLVED: [given: TimeoutTypes | null | undefined, expected: Five][] = [
  [undefined, [1, 2, 3, 4, 5]],
  [null, [null, null, null, null, null]],
  [100, [100, 100, 100, 100, null]],
  [new TimeoutConfig({ readTimeout: 7 }), [null, 7, null, null, null]],
  [{}, [1, 2, 3, 4, 5]],
  [{ read: 30 }, [1, 30, 3, 4, 5]],
  [{ read: null, total: 9 }, [1, null, 3, 4, 9]],
  [{ connect: 6, read: 7, write: 8, pool: 9, total: null }, [6, 7, 8, 9, null]],
  [{ read: undefined }, [1, 2, 3, 4, 5]],
];

for (const [given, expected] of RESOLVED) {
  test(`timeout: ${inspect(given)} on top of 1, 2, 3, 4, 5`, (t) => {
    const resolved = resolveTimeout(given, inherited);
    t.deepEqual(five(resolved), expected);
    t.true(Object.isFrozen(resolved));
  });
}

test('undefined and a TimeoutConfig are passed on as they are', (t) => {
  t.is(resolveTimeout(undefined, inherited), inherited);
  t.is(resolveTimeout(inherited, DEFAULT_TIMEOUT), inherited);
});

const RANGE = 'is not allowed, expected milliseconds above 0, up to 2147483647, or null';
const BAD: [given: unknown, error: typeof TypeError | typeof RangeError, message: string][] = [
  [-1, RangeError, `timeout: -1 ${RANGE}`],
  [0, RangeError, `timeout: 0 ${RANGE}; null is off`],
  [-0, RangeError, `timeout: 0 ${RANGE}; null is off`],
  ...['connect', 'read', 'write', 'pool', 'total'].map((kind): (typeof BAD)[0] => [
    { [kind]: 0 },
    RangeError,
    `timeout.${kind}: 0 ${RANGE}; null is off`,
  ]),
  [NaN, RangeError, `timeout: NaN ${RANGE}`],
  [Infinity, RangeError, `timeout: Infinity ${RANGE}`],
  [2 ** 31, RangeError, `timeout: 2147483648 ${RANGE}`],
  [{ read: -1 }, RangeError, `timeout.read: -1 ${RANGE}`],
  [{ read: '5' }, TypeError, 'timeout.read: expected milliseconds (a number) or null, got string'],
  [{ raed: 5 }, TypeError, "Unknown option 'raed' for timeout. Did you mean 'read'?"],
  [{ connectTimeout: 5 }, TypeError, "Unknown option 'connectTimeout' for timeout. Did you mean 'connect'?"],
  [{ request: 5 }, TypeError, "Unknown option 'request' for timeout. Here that is 'total'."],
  [{ deadline: 5 }, TypeError, "Unknown option 'deadline' for timeout. Here that is 'total'."],
  [{ response: 5 }, TypeError, "Unknown option 'response' for timeout. Here that is 'read'."],
  [{ secureConnect: 5 }, TypeError, "Unknown option 'secureConnect' for timeout. Here that is 'connect'."],
  [{ zzzzzz: 5 }, TypeError, "Unknown option 'zzzzzz' for timeout."],
];

for (const [given, error, message] of BAD) {
  test(`refuses timeout: ${inspect(given)}`, (t) => {
    t.throws(() => resolveTimeout(given as TimeoutTypes, DEFAULT_TIMEOUT), { instanceOf: error, message });
  });
}

for (const given of ['5', true, 5n, [5, 5], () => 5]) {
  test(`${inspect(given)} is no timeout`, (t) => {
    const expected = { instanceOf: TypeError, message: /^timeout: expected milliseconds \(a number\), .*got \w+$/ };
    t.throws(() => resolveTimeout(given as never, DEFAULT_TIMEOUT), expected);
    t.throws(() => new TimeoutConfig(given as never), expected);
  });
}

test('TimeoutConfig refuses what is out of range, and unknown kinds', (t) => {
  t.throws(() => new TimeoutConfig(-1), { instanceOf: RangeError, message: `timeout: -1 ${RANGE}` });
  t.throws(() => new TimeoutConfig(0), { instanceOf: RangeError, message: /null is off$/ });
  t.throws(() => new TimeoutConfig({ totalTimeout: 0 }), { instanceOf: RangeError, message: /null is off$/ });
  t.throws(() => new TimeoutConfig({ poolTimeout: -1 }), {
    instanceOf: RangeError,
    message: `poolTimeout: -1 ${RANGE}`,
  });
  t.throws(() => new TimeoutConfig({ connect: 1 } as never), {
    instanceOf: TypeError,
    message: "Unknown option 'connect' for TimeoutConfig. Did you mean 'connectTimeout'?",
  });
  t.throws(() => new TimeoutConfig(undefined as never), { instanceOf: TypeError, message: /got undefined/ });
});

test('only own properties count', (t) => {
  const names = ['connect', 'read', 'total', 'readTimeout', 'totalTimeout'];
  for (const name of names) Reflect.defineProperty(Object.prototype, name, { value: 1, configurable: true });
  try {
    t.deepEqual(five(resolveTimeout({ write: 9 }, inherited)), [1, 2, 9, 4, 5]);
    t.deepEqual(five(new TimeoutConfig({ connectTimeout: 9 })), [9, null, null, null, null]);
  } finally {
    for (const name of names) delete (Object.prototype as Record<string, unknown>)[name];
  }
});

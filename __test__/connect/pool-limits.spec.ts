import { inspect } from 'node:util';
import test from 'ava';
import { resolvePoolLimits } from '../../src/connect/pool-limits.js';
import type { PoolLimits } from '../../src/types.js';

const defaults: Required<PoolLimits> = {
  maxConnections: 1000,
  maxConnectionsPerOrigin: null,
  maxKeepaliveConnections: 256,
  keepaliveExpiry: 4000,
  pingInterval: null,
  maxAge: null,
  tcpKeepalive: 60_000,
  dnsTtl: 10_000,
};

const RESOLVED: [given: PoolLimits | undefined, changed: PoolLimits][] = [
  [undefined, {}],
  [{}, {}],
  [{ maxConnections: undefined }, {}],
  [{ maxConnections: 1 }, { maxConnections: 1 }],
  [{ maxConnections: null }, { maxConnections: null }],
  [{ maxConnectionsPerOrigin: 2 }, { maxConnectionsPerOrigin: 2 }],
  [{ maxKeepaliveConnections: 0 }, { maxKeepaliveConnections: 0 }],
  [{ maxKeepaliveConnections: null }, { maxKeepaliveConnections: null }],
  [{ keepaliveExpiry: null }, { keepaliveExpiry: null }],
  [{ keepaliveExpiry: 0.5 }, { keepaliveExpiry: 0.5 }],
  [{ pingInterval: 1000 }, { pingInterval: 1000 }],
  [{ maxAge: 0.5 }, { maxAge: 0.5 }],
  [{ maxAge: 60_000 }, { maxAge: 60_000 }],
  [{ tcpKeepalive: 1000 }, { tcpKeepalive: 1000 }],
  [{ tcpKeepalive: null }, { tcpKeepalive: null }],
  [{ dnsTtl: 0 }, { dnsTtl: 0 }],
  [{ dnsTtl: null }, { dnsTtl: null }],
  [{ dnsTtl: 0.5 }, { dnsTtl: 0.5 }],
];

for (const [given, changed] of RESOLVED) {
  test(`poolLimits: ${inspect(given)}`, (t) => {
    const resolved = resolvePoolLimits(given);
    t.deepEqual(resolved, { ...defaults, ...changed });
    t.true(Object.isFrozen(resolved));
  });
}

const BAD: [given: unknown, error: typeof TypeError | typeof RangeError, message: string][] = [
  [
    { maxConnections: 0 },
    RangeError,
    'poolLimits.maxConnections: 0 is not allowed, expected an integer from 1 to 2147483647 or null',
  ],
  [
    { maxConnections: 1.5 },
    RangeError,
    'poolLimits.maxConnections: 1.5 is not allowed, expected an integer from 1 to 2147483647 or null',
  ],
  [
    { maxConnectionsPerOrigin: 0 },
    RangeError,
    'poolLimits.maxConnectionsPerOrigin: 0 is not allowed, expected an integer from 1 to 2147483647 or null',
  ],
  [
    { maxKeepaliveConnections: -1 },
    RangeError,
    'poolLimits.maxKeepaliveConnections: -1 is not allowed, expected an integer from 0 to 2147483647 or null',
  ],
  [
    { maxKeepaliveConnections: NaN },
    RangeError,
    'poolLimits.maxKeepaliveConnections: NaN is not allowed, expected an integer from 0 to 2147483647 or null',
  ],
  [
    { keepaliveExpiry: -1 },
    RangeError,
    'poolLimits.keepaliveExpiry: -1 is not allowed, expected milliseconds from 0 to 2147483647 or null',
  ],
  [
    { keepaliveExpiry: Infinity },
    RangeError,
    'poolLimits.keepaliveExpiry: Infinity is not allowed, expected milliseconds from 0 to 2147483647 or null',
  ],
  [
    { maxAge: 0 },
    RangeError,
    'poolLimits.maxAge: 0 is not allowed, expected milliseconds above 0, up to 2147483647 or null',
  ],
  [
    { maxAge: -5 },
    RangeError,
    'poolLimits.maxAge: -5 is not allowed, expected milliseconds above 0, up to 2147483647 or null',
  ],
  [{ maxAge: '1h' }, TypeError, 'poolLimits.maxAge: expected a number or null, got string'],
  [
    { tcpKeepalive: 999 },
    RangeError,
    'poolLimits.tcpKeepalive: 999 is not allowed, expected milliseconds from 1000 to 2147483647 or null',
  ],
  [
    { tcpKeepalive: 0 },
    RangeError,
    'poolLimits.tcpKeepalive: 0 is not allowed, expected milliseconds from 1000 to 2147483647 or null',
  ],
  [
    { tcpKeepalive: Infinity },
    RangeError,
    'poolLimits.tcpKeepalive: Infinity is not allowed, expected milliseconds from 1000 to 2147483647 or null',
  ],
  [{ tcpKeepalive: true }, TypeError, 'poolLimits.tcpKeepalive: expected a number or null, got boolean'],
  [
    { dnsTtl: -1 },
    RangeError,
    'poolLimits.dnsTtl: -1 is not allowed, expected milliseconds from 0 to 2147483647 or null',
  ],
  [
    { dnsTtl: NaN },
    RangeError,
    'poolLimits.dnsTtl: NaN is not allowed, expected milliseconds from 0 to 2147483647 or null',
  ],
  [{ dnsTtl: '10s' }, TypeError, 'poolLimits.dnsTtl: expected a number or null, got string'],
  [{ maxConnections: '5' }, TypeError, 'poolLimits.maxConnections: expected a number or null, got string'],
  [{ keepaliveExpiry: true }, TypeError, 'poolLimits.keepaliveExpiry: expected a number or null, got boolean'],
  [{ maxConnection: 5 }, TypeError, "Unknown option 'maxConnection' for poolLimits. Did you mean 'maxConnections'?"],
  [{ hardLimit: 5 }, TypeError, "Unknown option 'hardLimit' for poolLimits."],
  [100, TypeError, 'poolLimits: expected an object such as { maxConnections: 100 }, got number'],
];

for (const [given, error, message] of BAD) {
  test(`refuses poolLimits: ${inspect(given)}`, (t) => {
    t.throws(() => resolvePoolLimits(given as PoolLimits), { instanceOf: error, message });
  });
}

/** docs/reliability.md: each fault in each cell, and the table of what came of them. */
import test from 'ava';
import { DNS } from './dns.js';
import { HTTP1 } from './http1.js';
import { HTTP2 } from './http2.js';
import { PROXIES } from './proxy.js';
import { SOCKS } from './socks.js';
import { TLS } from './tls.js';
import { cellsOf, run, type Fault, type Http2Fault, type Way } from './kit.js';
import { Outcomes } from './report.js';

const outcomes = new Outcomes();

function faults(title: string, all: readonly (Fault | Http2Fault)[], ways: readonly Way[]): void {
  for (const fault of all) {
    for (const way of fault.ways ?? ways) {
      test.serial(`${fault.row} ${fault.name}: ${way}`, async (t) => {
        await Promise.all(
          cellsOf(fault, way).map(async (cell) => {
            const expected = typeof fault.expected === 'function' ? fault.expected(cell) : fault.expected;
            const found = await run(t, fault, cell);
            const allowed = typeof expected === 'string' ? [expected] : expected;
            t.true(
              allowed.includes(found),
              `${cell.operation}, ${cell.reused ? 'reused' : 'fresh'}: ${found}, not ${allowed.join(' or ')}`,
            );
            outcomes.add(title, fault, cell, allowed.includes(found) ? allowed : [found]);
          }),
        );
      });
    }
  }
}

/** Of what happens behind an open tunnel, one for each way that a response can fail. */
const BEHIND_SOCKS = ['4', '5', '8', '11', '14', '30'];

faults('HTTP/1.1 and TCP', HTTP1, ['direct', 'forward', 'tunnel']);
faults(
  'HTTP/1.1 and TCP',
  HTTP1.filter(({ row, atOnce }) => BEHIND_SOCKS.includes(row) && atOnce === undefined),
  ['socks5h', 'socks4a'],
);
faults('DNS', DNS, ['by name']);
faults('TLS', TLS, ['https', 'https in a tunnel']);
faults('Proxies', PROXIES, ['tunnel', 'https in a tunnel']);
faults('SOCKS', SOCKS, ['socks5h', 'socks4a']);
faults('HTTP/2', HTTP2, ['h2']);

test.serial('docs/reliability.md has the outcomes of this run', (t) => outcomes.compare(t));

/** docs/reliability.md: each fault in each cell, and the table of what came of them. */
import test from 'ava';
import { HTTP1 } from './http1.js';
import { HTTP2 } from './http2.js';
import { PROXIES } from './proxy.js';
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

faults('HTTP/1.1 and TCP', HTTP1, ['direct', 'forward', 'tunnel']);
faults('TLS', TLS, ['https', 'https in a tunnel']);
faults('Proxies', PROXIES, ['tunnel', 'https in a tunnel']);
faults('HTTP/2', HTTP2, ['h2']);

test.serial('docs/reliability.md has the outcomes of this run', (t) => outcomes.compare(t));

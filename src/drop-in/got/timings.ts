/** got's `response.timings`: got measures by the events of a socket, which here is connected already, so the core's measurements are put in. */

import type { Timings } from '../../response/timings.js';

/** Of got's object, what is known better here. Times are those of `Date.now()`. */
interface GotTimings {
  start: number;
  socket?: number;
  lookup?: number;
  connect?: number;
  secureConnect?: number;
  upload?: number;
  phases: { wait?: number; dns?: number; tcp?: number; tls?: number; request?: number };
}

/** To be called before got is told of the response: what lies behind that it measures itself. */
export function fillTimings(request: { timings?: unknown }, timings: Timings): void {
  const theirs = request.timings as GotTimings | undefined;
  // Whole milliseconds as got has them, of moments in order.
  const moments = [timings.pool, timings.dns, timings.connect, timings.tls, timings.send];
  if (typeof theirs?.start !== 'number' || typeof theirs.phases !== 'object') return;
  let passed = 0;
  const [socket, lookup, connect, secure, upload] = moments.map((ms) => theirs.start + Math.round((passed += ms ?? 0)));
  Object.assign(theirs, { socket, lookup, connect, upload });
  const { phases } = theirs;
  phases.wait = socket - theirs.start;
  phases.dns = lookup - socket;
  phases.tcp = connect - lookup;
  phases.request = upload - secure;
  if (timings.tls === null) return;
  theirs.secureConnect = secure;
  phases.tls = secure - connect;
}

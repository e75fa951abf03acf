/** The misbehaving servers in a process of their own: what they do to themselves is not the client's. */
import { startMisbehaving } from './misbehaving.js';

const servers = await startMisbehaving(Number(process.argv[2]));
process.send?.({ http1: servers.http1, http2: servers.http2 });
process.on('message', (message) => {
  if (message === 'open') process.send?.({ open: servers.openConnections() });
  else process.send?.({ faults: servers.faults, acted: [...servers.acted] }, () => process.exit(0));
});
process.on('disconnect', () => process.exit(0));

/** So many POSTs at once on a client that has no connection yet, and the same again on the connections that it has then. */
import { openConnections } from '../process-figures.js';

export async function measure(contender, job) {
  const { url, count, connectionsUrl } = job;
  const content = Buffer.from('{"bytes":12}');
  const burst = async (client) => {
    const start = performance.now();
    const answers = await Promise.all(Array.from({ length: count }, () => client.upload(url, content)));
    if (answers.some(({ received }) => received !== content.byteLength)) throw new Error('a body did not arrive whole');
    return performance.now() - start;
  };
  // What is cold is the client, not the process: another one has had the code compiled.
  const other = await contender.open(job);
  for (let i = 0; i < 5; i++) await burst(other);
  await other.close();
  const others = await openConnections(connectionsUrl);
  const client = await contender.open(job);
  const cold = await burst(client);
  const connections = (await openConnections(connectionsUrl)) - others;
  const warm = ((await burst(client)) + (await burst(client))) / 2;
  await client.close();
  return { cold, warm, coldness: cold / warm, connections };
}

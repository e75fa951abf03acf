/** Compiled, never run: a dispatcher of ours is one to the declarations of undici, and to those of Node's fetch. */
import { interceptors, request, RetryAgent, setGlobalDispatcher, type Dispatcher } from 'undici';
import { createDispatcher } from '../../src/drop-in/undici.js';

export async function isOne(): Promise<Dispatcher> {
  const dispatcher = createDispatcher();
  setGlobalDispatcher(dispatcher);
  await fetch('https://example.org/', { dispatcher });
  const { body, headers, opaque } = await request('https://example.org/', { dispatcher, opaque: 1 });
  const own = await dispatcher.request({ origin: 'https://example.org', path: '/', method: 'GET', opaque: 1 });
  const typed: [Promise<unknown>, string | undefined, number, number] = [
    body.json(),
    headers['content-type']?.toString(),
    opaque,
    own.opaque,
  ];
  const retried = new RetryAgent(dispatcher.compose(interceptors.retry(), interceptors.dump()));
  await retried.close();
  await Promise.all(typed);
  return dispatcher;
}

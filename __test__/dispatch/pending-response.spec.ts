/** What exchanges have in common, however they are carried: by a pending response whose other side is this test. */
import test from 'ava';
import type { DispatchOptions } from '../../src/dispatch/dispatch.js';
import { PendingResponse } from '../../src/dispatch/pending-response.js';
import { Request, Response, StreamClosed, TimeoutConfig } from '../../src/index.js';

class Exchange extends PendingResponse {
  readonly events: string[] = [];

  constructor(signal?: AbortSignal) {
    super(
      new Request('GET', 'http://localhost/'),
      { timeout: new TimeoutConfig(null), signal } as DispatchOptions,
      null,
    );
  }

  send(): Promise<Response> {
    return new Promise((resolve, reject) => {
      this.promised({ resolve, reject });
      const { signal } = this.options;
      if (signal !== undefined) this.listen(signal, () => this.onAbort(signal));
    });
  }

  read(): Promise<Buffer | null> {
    const chunk = this.takeChunk();
    return chunk === undefined ? this.readNext(() => this.events.push('asked')) : Promise.resolve(chunk);
  }

  answer(): void {
    this.takeAnswer()?.resolve(new Response(200));
  }

  chunk(text: string): boolean {
    return this.deliver(Buffer.from(text));
  }

  end(rest: Buffer | null = null): void {
    this.complete(rest);
  }

  protected dropped(reason: unknown): void {
    this.events.push(`dropped: ${String(reason)}`);
  }

  protected override settled(): void {
    this.events.push('settled');
  }
}

test('each promise is settled once, the response first, then reads in their order', async (t) => {
  const exchange = new Exchange();
  const response = exchange.send();
  exchange.answer();
  exchange.answer();
  t.is((await response).statusCode, 200);
  t.false(exchange.chunk('a'), 'it waits for a read');
  t.is(String(await exchange.read()), 'a');
  const read = exchange.read();
  t.true(exchange.chunk('b'));
  t.is(String(await read), 'b');
  const last = exchange.read();
  exchange.end();
  t.is(await last, null);
  t.is(await exchange.read(), null);
  t.deepEqual(exchange.events, ['settled', 'asked', 'settled', 'asked', 'settled']);
});

test('a failure rejects whichever promise waits, and later reads once the chunks before it are read', async (t) => {
  const early = new Exchange();
  const response = early.send();
  early.fail(new Error('too bad'));
  early.fail(new Error('again'));
  await t.throwsAsync(response, { message: 'too bad' });
  t.deepEqual(early.events, ['settled', 'dropped: Error: too bad']);
  const late = new Exchange();
  void late.send();
  late.answer();
  late.chunk('a');
  late.fail(new Error('cut'));
  t.is(String(await late.read()), 'a');
  await t.throwsAsync(late.read(), { message: 'cut' });
  t.false(late.events.includes('asked'));
});

test('a response that is given up rejects the read that waits', async (t) => {
  const exchange = new Exchange();
  void exchange.send();
  exchange.answer();
  const read = exchange.read();
  exchange.cancel();
  const error = await t.throwsAsync(read, { instanceOf: StreamClosed });
  t.deepEqual(exchange.events.slice(-1), [`dropped: ${String(error)}`]);
});

test('a signal ends it, and is left alone afterwards', async (t) => {
  const controller = new AbortController();
  const aborted = new Exchange(controller.signal);
  const done = new Exchange(controller.signal);
  const [rejected, resolved] = [aborted.send(), done.send()];
  done.answer();
  done.end();
  controller.abort(new Error('enough'));
  await t.throwsAsync(rejected, { message: 'enough' });
  t.is((await resolved).statusCode, 200);
  t.false(done.events.some((event) => event.startsWith('dropped')));
});

test('what the methods of a signal throw is the error of this exchange', async (t) => {
  const signal = {
    addEventListener() {
      throw new Error('no listeners here');
    },
  } as unknown as AbortSignal;
  await t.throwsAsync(new Exchange(signal).send(), { message: 'no listeners here' });
  const leaving = {
    addEventListener() {},
    removeEventListener() {
      throw new Error('they stay');
    },
  } as unknown as AbortSignal;
  const exchange = new Exchange(leaving);
  const response = exchange.send();
  exchange.end();
  exchange.answer();
  await t.throwsAsync(response, { message: 'they stay' });
});

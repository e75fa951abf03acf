/** What every way to send a streamed body has in common: its source is pulled, cut, reported and stopped. */
import test from 'ava';
import { StreamBody } from '../../src/request/body.js';
import { BodyPump } from '../../src/request/body-pump.js';
import { FilePart } from '../../src/request/file-content.js';

const body = (open: () => AsyncIterable<unknown> | Iterable<unknown>, length: number | null = null) =>
  new StreamBody(open, length, true);

async function all(pump: BodyPump): Promise<string[]> {
  const chunks: string[] = [];
  for (;;) {
    const chunk = await pump.next();
    if (chunk === null) return chunks;
    chunks.push(chunk.toString());
  }
}

test('pieces come as bytes, in order, cut, and none is empty', async (t) => {
  for (const [pieces, max, expected] of [
    [['ab', Buffer.from('cd'), new Uint8Array([101])], undefined, ['ab', 'cd', 'e']],
    [['abcde', '', 'f'], 2, ['ab', 'cd', 'e', 'f']],
    [['', ''], 2, []],
    [[], 2, []],
  ] as [unknown[], number | undefined, string[]][]) {
    t.deepEqual(
      await all(
        new BodyPump(
          body(() => pieces),
          undefined,
          max,
        ),
      ),
      expected,
    );
  }
});

test('the source is opened by the first call, and a file is a chunk where the core asks', async (t) => {
  const asked: boolean[] = [];
  const file = new FilePart('/f', 'f', 0, 3, 3);
  const open = (forCore: boolean) => {
    asked.push(forCore);
    return [file];
  };
  const pump = new BodyPump(new StreamBody(open, 3, true), undefined);
  t.deepEqual(asked, []);
  t.is(await pump.next(true), file);
  t.is(await pump.next(true), null);
  t.deepEqual(asked, [true]);
});

test('progress is what was handed over, of what is known, until the pump is stopped', (t) => {
  const reported: [number, number | null][] = [];
  const pump = new BodyPump(
    body(() => [], 7),
    (...progress) => reported.push(progress),
  );
  pump.report(3);
  pump.report(4);
  pump.stop();
  pump.report(1);
  t.deepEqual(reported, [
    [3, 7],
    [7, 7],
  ]);
  t.false(
    new BodyPump(
      body(() => []),
      undefined,
    ).reportsProgress,
  );
});

test('a source is told once that no more is wanted, also while it is stuck, and what it says then is dropped', async (t) => {
  let returned = 0;
  let fail: (error: Error) => void = () => {};
  const source = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise<IteratorResult<unknown>>((_, reject) => (fail = reject)),
      return: () => {
        returned++;
        return Promise.reject(new Error('dropped'));
      },
    }),
  };
  const pump = new BodyPump(
    body(() => source),
    undefined,
  );
  const next = pump.next();
  pump.stop();
  pump.stop();
  t.is(returned, 0, 'not at once: a generator may be running');
  await Promise.resolve();
  await Promise.resolve();
  t.is(returned, 1);
  fail(new Error('stopped'));
  t.is(await next, null);
  t.is(await pump.next(), null);
});

test('a source that ended or failed is not told; one whose piece is no body is', async (t) => {
  for (const [last, told] of [
    ['end', 0],
    ['error', 0],
    ['number', 1],
  ] as const) {
    let returned = 0;
    const source = {
      [Symbol.asyncIterator]: () => ({
        next: (): Promise<IteratorResult<unknown>> =>
          last === 'error'
            ? Promise.reject(new RangeError('its own'))
            : Promise.resolve({ done: last === 'end', value: 7 }),
        return: () => {
          returned++;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const pump = new BodyPump(
      body(() => source),
      undefined,
    );
    if (last === 'end') t.is(await pump.next(), null);
    else await t.throwsAsync(pump.next(), { instanceOf: last === 'error' ? RangeError : TypeError });
    pump.stop();
    await Promise.resolve();
    await Promise.resolve();
    t.is(returned, told, last);
  }
});

test('a pump that is stopped before it began opens nothing', async (t) => {
  const pump = new BodyPump(
    body(() => t.fail() as never),
    undefined,
  );
  pump.stop();
  t.is(await pump.next(), null);
});

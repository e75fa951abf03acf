/** `whippet/axios`: uploads that fail, cancelling, limits and what is left behind; axios' own http adapter beside ours. */
import test, { type ExecutionContext } from 'ava';
import axios, { AxiosError, type AxiosInstance, type AxiosRequestConfig, create, isAxiosError, isCancel } from 'axios';
import FormDataPackage from 'form-data';
import { getEventListeners } from 'node:events';
import { createRequire } from 'node:module';
import { Readable } from 'node:stream';
import { createAdapter } from '../../src/drop-in/axios.js';
import { failure } from '../helpers/client.js';
import { refusedOrigin, serve } from '../helpers/server.js';

type Program = (api: AxiosInstance) => Promise<unknown>;

function ours(t: ExecutionContext): AxiosInstance {
  const adapter = createAdapter();
  t.teardown(() => adapter.close());
  return create({ adapter: adapter as never });
}

/** The same program on both: what it returns, or what it throws, is the same. */
async function same(t: ExecutionContext, program: Program): Promise<void> {
  const tried = async (api: AxiosInstance): Promise<unknown> => {
    try {
      return await program(api);
    } catch (error) {
      const { name, message } = error as Error;
      return {
        name,
        message,
        code: (error as { code?: string }).code,
        isAxios: isAxiosError(error),
        isCancel: isCancel(error),
      };
    }
  };
  const expected = await tried(create({ adapter: 'http' }));
  t.deepEqual(await tried(ours(t)), expected);
}

const form = (): FormData => {
  const made = new FormData();
  made.append('a', 'x'.repeat(1000));
  return made;
};
const packageForm = (): FormDataPackage => {
  const made = new FormDataPackage();
  made.append('a', 'x'.repeat(1000));
  return made;
};
const destroyed = (error?: Error): Readable => {
  const made = new Readable({ read() {} }).on('error', () => {});
  made.push('a');
  return made.destroy(error);
};
const destroyedLater = (error?: Error): Readable => {
  const made = new Readable({ read() {} });
  made.push('a');
  setImmediate(() => made.destroy(error));
  return made;
};

const UPLOADS: [title: string, path: string, data: () => unknown, config?: AxiosRequestConfig][] = [
  ['a stream that fails', '/', () => destroyedLater(new RangeError('own'))],
  ['a stream that is destroyed', '/', () => destroyedLater()],
  ['a stream that had failed', '/', () => destroyed(new RangeError('own'))],
  ['a stream, sent again after 307', '/307', () => Readable.from(['a', 'bc'])],
  ['a stream, sent again after 307, bounded', '/307', () => Readable.from(['a', 'bc']), { maxBodyLength: 3 }],
  ['a stream, 302', '/302', () => Readable.from(['a', 'bc'])],
  ['a stream, 307 not followed', '/307', () => Readable.from(['a']), { maxRedirects: 0, validateStatus: null }],
  ['a stream beyond maxBodyLength', '/', () => Readable.from(['a', 'bc']), { maxBodyLength: 2 }],
  ['a FormData beyond maxBodyLength', '/', form, { maxBodyLength: 100 }],
  ['a form of npm’s form-data within maxBodyLength', '/', packageForm, { maxBodyLength: 5000 }],
  ['a form of npm’s form-data beyond maxBodyLength', '/', packageForm, { maxBodyLength: 100 }],
  ['a form of npm’s form-data, after 307', '/307', packageForm],
  ['bytes beyond maxBodyLength', '/', () => Buffer.from('abc'), { maxBodyLength: 2 }],
  ['bytes, maxRate 0', '/', () => Buffer.from('abc'), { maxRate: 0 }],
];
for (const [title, path, data, config] of UPLOADS) {
  test(`uploads: ${title}`, async (t) => {
    const server = await serve(t, async (request, response) => {
      const size = Buffer.concat(await request.toArray().catch(() => [])).length;
      const status = Number(request.url?.slice(1));
      if (status > 0) response.writeHead(status, { location: '/' }).end();
      else response.end(`${request.method} ${size > 200 ? 'large' : size} ${request.headers['transfer-encoding']}`);
    });
    await same(t, async (api) => {
      const { status, data: answer } = await api.post(new URL(path, server.url).href, data(), config);
      return [status, answer];
    });
  });
}

for (const option of ['onUploadProgress', 'onDownloadProgress']) {
  test(`${option}: what it throws, or rejects with, is why the request fails`, async (t) => {
    const server = await serve(t, (request, response) => request.pipe(response));
    const fails = () => {
      throw new Error('mine');
    };
    for (const callback of [fails, async () => fails()]) {
      const error = await failure(ours(t).post(server.url, 'x'.repeat(100_000), { [option]: callback }));
      t.is(error.message, 'mine');
    }
  });
}

test('beforeRedirect that rejects, where axios ends the process', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(302, { location: '/next' }).end());
  const beforeRedirect = async () => {
    throw new Error('not there');
  };
  const error = await failure(ours(t).get(server.url, { beforeRedirect }));
  t.like(error, { code: 'ERR_FR_REDIRECTION_FAILURE', message: 'Redirected request failed: not there' });
});

test('uploads: a FormData has progress', async (t) => {
  const server = await serve(t, (request, response) => void request.resume().on('end', () => response.end()));
  const events: { loaded: number; total?: number }[] = [];
  await ours(t).post(server.url, form(), { onUploadProgress: (event) => events.push(event) });
  const { loaded, total } = events.at(-1) as { loaded: number; total?: number };
  t.true(loaded > 1000);
  t.is(total, loaded);
});

const CANCELLED: [title: string, path: string, config: AxiosRequestConfig, act: 'read' | 'leave'][] = [
  ['a stream that is read', '/slow', { responseType: 'stream' }, 'read'],
  ['a stream that is not read', '/large', { responseType: 'stream' }, 'leave'],
];
for (const [title, path, config, act] of CANCELLED) {
  test(`cancelled: ${title}`, async (t) => {
    const server = await serve(t, (request, response) => {
      if (request.url === '/slow') response.write('a');
      else response.end(Buffer.alloc(1 << 20));
    });
    await same(t, async (api) => {
      const cancelling = new AbortController();
      const { signal } = cancelling;
      const { data } = (await api.get(new URL(path, server.url).href, { ...config, signal })) as { data: Readable };
      if (act === 'read') data.resume();
      const failed = new Promise<Error>((resolve) => data.once('error', resolve));
      cancelling.abort();
      const error = await failed;
      if (!data.closed) await new Promise((resolve) => data.once('close', resolve));
      t.is(getEventListeners(signal, 'abort').length, 0);
      throw error;
    });
  });
}

test('maxRate: cancelled, timed out and destroyed while it waits', async (t) => {
  const server = await serve(t, (_, response) => response.end(Buffer.alloc(1 << 20)));
  const api = ours(t);
  const maxRate: [number, number] = [1000, 1000];
  const cancelling = new AbortController();
  const config = { maxRate, signal: cancelling.signal, onDownloadProgress: () => cancelling.abort() };
  t.true(isCancel(await failure(api.get(server.url, config))));
  t.like(await failure(api.get(server.url, { maxRate, timeout: 100 })), { code: 'ECONNABORTED' });
  const { data } = (await api.get(server.url, { maxRate, responseType: 'stream' })) as { data: Readable };
  await new Promise((resolve) => data.once('data', resolve));
  data.destroy();
  if (!data.closed) await new Promise((resolve) => data.once('close', resolve));
  t.true(data.destroyed);
});

test('no listener stays at a signal, whatever is refused', async (t) => {
  const server = await serve(t, (_, response) => void response.write('a'));
  const { signal } = new AbortController();
  const api = ours(t);
  await failure(api.get(server.url, { signal, timeout: 'x' as never }));
  const validateStatus = (): never => {
    throw new RangeError('own');
  };
  t.is((await failure(api.get(server.url, { signal, responseType: 'stream', validateStatus }))).message, 'own');
  for (let n = 0; n < 100 && getEventListeners(signal, 'abort').length > 0; n++) await new Promise(setImmediate);
  t.is(getEventListeners(signal, 'abort').length, 0);
});

test('the bytes of a response are in memory of their own', async (t) => {
  const server = await serve(t, (_, response) => {
    response.write('a');
    setTimeout(() => response.end('b'), 20);
  });
  const { data } = (await ours(t).get(server.url, { responseType: 'arraybuffer' })) as { data: Buffer };
  t.is(data.buffer.byteLength, 2);
});

test('errors are of the axios that asked: imported, required', async (t) => {
  const url = await refusedOrigin();
  const required = createRequire(import.meta.url)('axios') as typeof axios;
  t.not(required.AxiosError as unknown, AxiosError);
  const adapter = createAdapter();
  t.teardown(() => adapter.close());
  for (const copy of [axios, required]) {
    const error = await failure(copy.create({ adapter: adapter as never }).get(url));
    t.true(error instanceof copy.AxiosError);
    const cancelled = await failure(
      copy.create({ adapter: adapter as never }).get(url, { signal: AbortSignal.abort() }),
    );
    t.true(cancelled instanceof copy.CanceledError);
  }
});

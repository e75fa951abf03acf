import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Agent, ProxyAgent, request } from 'undici';

/** As its users have it: `request(url)` over an agent with default options. */

export function open(job, more = {}) {
  const { ca, keepIdle, proxy } = job;
  const dispatcher = proxy
    ? new ProxyAgent({ uri: proxy, allowH2: false, requestTls: { ca } })
    : new Agent({
        allowH2: false,
        ...more,
        ...(ca && { connect: { ca } }),
        ...(keepIdle && { keepAliveTimeout: HOURS, keepAliveMaxTimeout: HOURS, connectTimeout: 0 }),
      });
  return {
    json: async (url) => (await request(url, { dispatcher })).body.json(),
    bytes: async (url) => (await (await request(url, { dispatcher })).body.bytes()).byteLength,
    gunzip: async (url) => (await unzip(await (await request(url, { dispatcher })).body.bytes())).byteLength,
    keep: async (url) => {
      const response = await request(url, { dispatcher });
      return { response, content: await response.body.bytes() };
    },
    upload: async (url, body) => (await request(url, { dispatcher, method: 'POST', body })).body.json(),
    close: () => dispatcher.close(),
  };
}

const unzip = promisify(gunzip);
const HOURS = 4 * 3_600_000;

import { Client, file } from 'whippet';
import { openDoor } from './doors.js';

export function open(job) {
  const { url, ca, keepIdle, dressed, proxy, door } = job;
  if (door !== undefined) return openDoor(job);
  const client = new Client({
    ...(dressed && {
      auth: ['user', 'password'],
      cookies: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`cookie-${i}`, `value-${i}`])),
      baseUrl: new URL('/', url),
      eventHooks: { request: [() => {}] },
    }),
    ...(ca && { verify: ca }),
    ...(proxy && { proxies: proxy }),
    ...(keepIdle && {
      timeout: null,
      poolLimits: { maxConnections: null, maxKeepaliveConnections: null, keepaliveExpiry: null },
    }),
  });
  return {
    json: async (url) => (await client.get(url)).json(),
    bytes: async (url) => (await client.get(url)).content.byteLength,
    gunzip: async (url) => (await client.get(url)).content.byteLength,
    events: async (url) => {
      const response = await client.stream('GET', url);
      let count = 0;
      for await (const event of response.events()) if (event.data.length > 0) count++;
      return count;
    },
    lines: async (url) => {
      const response = await client.stream('GET', url);
      let count = 0;
      for await (const value of response.iterJson()) if (value.text.length > 0) count++;
      return count;
    },
    tokens: async function* (url) {
      const response = await client.stream('GET', url);
      for await (const { data } of response.events()) yield data;
    },
    keep: async (url) => client.get(url),
    download: async (url, path) => (await client.download(url, path)).size,
    uploadFile: async (url, path) => (await client.post(url, { content: file(path) })).json(),
    upload: async (url, content) => (await client.post(url, { content })).json(),
    preconnect: (url) => client.preconnect(url),
    close: () => client.close(),
  };
}

export function openApp(app) {
  const client = new Client({ app, baseUrl: 'http://example/' });
  return async () => (await client.get('/')).text;
}

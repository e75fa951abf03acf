import { Client } from 'whippet';
import { fetchReads } from './fetch.js';

export function open({ ca, keepIdle, dressed, proxy, door }) {
  const client = new Client({
    ...(dressed && {
      auth: ['user', 'password'],
      cookies: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`cookie-${i}`, `value-${i}`])),
      baseUrl: new URL('/', dressed),
      eventHooks: { request: [() => {}] },
    }),
    ...(ca && { verify: ca }),
    ...(proxy && { proxies: proxy }),
    ...(keepIdle && {
      timeout: null,
      poolLimits: { maxConnections: null, maxKeepaliveConnections: null, keepaliveExpiry: null },
    }),
  });
  if (door === 'fetch') return { ...fetchReads(client.fetch), close: () => client.close() };
  return {
    json: async (url) => (await client.get(url)).json(),
    bytes: async (url) => (await client.get(url)).content.byteLength,
    gunzip: async (url) => (await client.get(url)).content.byteLength,
    upload: async (url, content) => (await client.post(url, { content })).json(),
    close: () => client.close(),
  };
}

export function openApp(app) {
  const client = new Client({ app, baseUrl: 'http://example/' });
  return async () => (await client.get('/')).text;
}

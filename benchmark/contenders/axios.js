import http from 'node:http';
import https from 'node:https';
import { create } from 'axios';

/** `more`: e.g. an adapter of another. */
export function open({ ca, inFlight }, more = {}) {
  const settings = { keepAlive: true, maxSockets: inFlight, maxFreeSockets: inFlight };
  const client = create({
    httpAgent: new http.Agent(settings),
    httpsAgent: new https.Agent({ ...settings, ca }),
    maxBodyLength: Infinity,
    maxRedirects: 0,
    ...more,
  });
  return {
    json: async (url) => (await client.get(url)).data,
    bytes: async (url) => (await client.get(url, { responseType: 'arraybuffer' })).data.byteLength,
    gunzip: async (url) => (await client.get(url, { responseType: 'arraybuffer' })).data.byteLength,
    upload: async (url, content) => (await client.post(url, content)).data,
    close: async () => {},
  };
}

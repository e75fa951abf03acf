import http from 'node:http';
import https from 'node:https';
import { got } from 'got';

export function open({ ca, inFlight }) {
  const settings = { keepAlive: true, maxSockets: inFlight, maxFreeSockets: inFlight };
  const client = got.extend({
    agent: { http: new http.Agent(settings), https: new https.Agent(settings) },
    ...(ca && { https: { certificateAuthority: ca } }),
  });
  return {
    json: (url) => client.get(url).json(),
    bytes: async (url) => (await client.get(url).buffer()).byteLength,
    gunzip: async (url) => (await client.get(url).buffer()).byteLength,
    upload: (url, body) => client.post(url, { body }).json(),
    close: async () => {},
  };
}

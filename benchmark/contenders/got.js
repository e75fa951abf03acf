import http from 'node:http';
import https from 'node:https';
import { got } from 'got';

/** `more`: e.g. a request function of another. */
export function open({ ca, inFlight, port }, more = {}) {
  const settings = { keepAlive: true, maxSockets: inFlight, maxFreeSockets: inFlight };
  const client = got.extend({
    // Over HTTP/2, got's own agent: one session.
    ...(port === 'h2'
      ? { http2: true }
      : { agent: { http: new http.Agent(settings), https: new https.Agent(settings) } }),
    ...(ca && { https: { certificateAuthority: ca } }),
    ...more,
  });
  return {
    json: (url) => client.get(url).json(),
    bytes: async (url) => (await client.get(url).buffer()).byteLength,
    gunzip: async (url) => (await client.get(url).buffer()).byteLength,
    upload: (url, body) => client.post(url, { body }).json(),
    close: async () => {},
  };
}

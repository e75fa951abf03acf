import http from 'node:http';
import https from 'node:https';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

export function open({ ca, inFlight }) {
  const { Agent, request } = ca ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight, maxFreeSockets: inFlight, ca });
  const send = (url, options, content) =>
    new Promise((resolve, reject) => {
      const outgoing = request(url, { agent, ...options }, (incoming) => {
        const chunks = [];
        incoming.on('data', (chunk) => chunks.push(chunk));
        incoming.on('end', () => resolve(Buffer.concat(chunks)));
        incoming.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end(content);
    });
  const parse = (bytes) => JSON.parse(bytes.toString());
  return {
    json: async (url) => parse(await send(url)),
    bytes: async (url) => (await send(url)).byteLength,
    gunzip: async (url) => (await unzip(await send(url))).byteLength,
    upload: async (url, content) =>
      parse(await send(url, { method: 'POST', headers: { 'content-length': content.byteLength } }, content)),
    close: async () => agent.destroy(),
  };
}

const unzip = promisify(gunzip);

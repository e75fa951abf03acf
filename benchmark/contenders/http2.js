import { connect, constants } from 'node:http2';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

/** One session with default options, opened by the first request. */
export function open({ ca }) {
  let session;
  const send = (url, headers, content) =>
    new Promise((resolve, reject) => {
      const { origin, pathname, search } = new URL(url);
      session ??= connect(origin, { ca });
      const stream = session.request({ [constants.HTTP2_HEADER_PATH]: pathname + search, ...headers });
      const chunks = [];
      stream.on('data', (chunk) => chunks.push(chunk));
      stream.on('end', () => resolve(Buffer.concat(chunks)));
      stream.on('error', reject);
      stream.end(content);
    });
  const parse = (bytes) => JSON.parse(bytes.toString());
  return {
    json: async (url) => parse(await send(url)),
    bytes: async (url) => (await send(url)).byteLength,
    gunzip: async (url) => (await unzip(await send(url))).byteLength,
    upload: async (url, content) =>
      parse(await send(url, { [constants.HTTP2_HEADER_METHOD]: constants.HTTP2_METHOD_POST }, content)),
    close: async () => session?.close(),
  };
}

const unzip = promisify(gunzip);

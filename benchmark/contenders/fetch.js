import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

// The runtime's own. The authority comes from NODE_EXTRA_CA_CERTS, which `run.js` sets for this contender.
export function open() {
  return { ...fetchReads(fetch), close: async () => {} };
}

/** What the works ask for, by any fetch. */
export function fetchReads(fetch) {
  const eventsOf = async (url) => {
    const { EventSourceParserStream } = await import('eventsource-parser/stream');
    return (await fetch(url)).body.pipeThrough(new TextDecoderStream()).pipeThrough(new EventSourceParserStream());
  };
  return {
    json: async (url) => (await fetch(url)).json(),
    bytes: async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
    stream: async (url) => {
      let length = 0;
      for await (const piece of (await fetch(url)).body) length += piece.byteLength;
      return length;
    },
    gunzip: async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
    /** Server-sent events, counted. */
    events: async (url) => {
      let count = 0;
      for await (const event of await eventsOf(url)) if (event.data.length > 0) count++;
      return count;
    },
    /** The data of each, as it comes. */
    tokens: async function* (url) {
      for await (const { data } of await eventsOf(url)) yield data;
    },
    /** JSON values, one a line, counted. */
    lines: async (url) => {
      const { body } = await fetch(url);
      let count = 0;
      for await (const line of createInterface({ input: Readable.fromWeb(body) })) {
        if (JSON.parse(line).text.length > 0) count++;
      }
      return count;
    },
    upload: async (url, body) => (await fetch(url, { method: 'POST', body })).json(),
  };
}

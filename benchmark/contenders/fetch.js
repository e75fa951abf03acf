// The runtime's own. The authority comes from NODE_EXTRA_CA_CERTS, which `run.js` sets for this contender.
export function open() {
  return { ...fetchReads(fetch), close: async () => {} };
}

/** What the works ask for, by any fetch. */
export function fetchReads(fetch) {
  return {
    json: async (url) => (await fetch(url)).json(),
    bytes: async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
    stream: async (url) => {
      let length = 0;
      for await (const piece of (await fetch(url)).body) length += piece.byteLength;
      return length;
    },
    gunzip: async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
    upload: async (url, body) => (await fetch(url, { method: 'POST', body })).json(),
  };
}

// The runtime's own. The authority comes from NODE_EXTRA_CA_CERTS, which `run.js` sets for this contender.
export function open() {
  return {
    json: async (url) => (await fetch(url)).json(),
    bytes: async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
    gunzip: async (url) => (await (await fetch(url)).arrayBuffer()).byteLength,
    upload: async (url, body) => (await fetch(url, { method: 'POST', body })).json(),
    close: async () => {},
  };
}

/** Asks the search of the built site what readers ask, with the index and the settings that their browsers get: `npm run docs` ends with it. */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { search } from '../docs/.vitepress/search.js';

/** What is typed, as a sentence and as a few words, and the page that has to come first. */
const QUESTIONS = [
  [
    'timeouts',
    'time-outs on a slow server',
    'timeout slow server',
    'slow server',
    'time-out',
    'timeouts',
    'timout',
    'cancel a request',
  ],
  ['proxies', 'a proxy for one host', 'proxy one host', 'proxy host', 'proxy', 'NO_PROXY', 'socks'],
  [
    'tls',
    'why a certificate is refused',
    'certificate refused',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'self-signed certificate',
    'mTLS',
    'mutual TLS',
  ],
  ['reference/errors', 'ERR_SSL_UNSUPPORTED_PROTOCOL'],
  ['retries', 'how do I retry a request', 'retry', 'retries'],
  ['cookies', 'how do I keep cookies', 'cookie jar'],
  ['testing', 'how do I test my Express app', 'test express'],
  ['downloads', 'upload a file', 'download progress', 'resume a download'],
  ['ssrf', 'ssrf', 'URLs that users supply'],
  ['connections', 'unix socket', 'how do I reach a unix socket'],
  ['events', 'server-sent events', 'event stream'],
  ['migrate/axios', 'from axios', 'axios'],
];

/** Where VitePress finds it: it is no dependency of ours. */
const MiniSearch = createRequire(import.meta.resolve('vitepress'))('minisearch');

const chunks = new URL('../docs/.vitepress/dist/assets/chunks/', import.meta.url);
const chunk = readdirSync(chunks).find((name) => name.startsWith('@localSearchIndexroot'));
if (chunk === undefined) throw new Error(`${chunks.pathname} has no search index: vitepress has moved it`);
const { default: json } = await import(new URL(chunk, chunks).href);

// The rest is what VPLocalSearchBox.vue has.
const index = MiniSearch.loadJSON(json, {
  fields: ['title', 'titles', 'text'],
  storeFields: ['title', 'titles'],
  searchOptions: { prefix: true, boost: { title: 4, text: 2, titles: 1 }, ...search.searchOptions },
  ...search.options,
});

const wrong = QUESTIONS.flatMap(([page, ...asked]) =>
  asked.flatMap((question) => {
    const found = index.search(question).map(({ id }) => id);
    return found[0]?.split('#')[0] === `/${page}`
      ? []
      : [`${question}: not ${page} but ${found.slice(0, 3).join(', ')}`];
  }),
);
console.log(wrong.length === 0 ? 'the search finds what readers ask for' : wrong.join('\n'));
if (wrong.length > 0) process.exitCode = 1;

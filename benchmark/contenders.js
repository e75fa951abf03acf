/** Who can be measured, and in which version. */
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { isTool, toolVersion } from './tools.js';

/** Of each: the package that it is, null where it comes with Node, or that it is a program. */
const PACKAGES = {
  whippet: 'whippet',
  undici: 'undici',
  'undici-tuned': 'undici',
  'undici-h2': 'undici',
  fetch: null,
  http: null,
  http2: null,
  got: 'got',
  axios: 'axios',
  ky: 'ky',
  'wreq-js': 'wreq-js',
  s3: '@aws-sdk/client-s3',
  nothing: null,
  supertest: 'supertest',
  inject: 'fastify',
  'app-request': 'hono',
  wrk: 'wrk',
  h2load: 'h2load',
  curl: 'curl',
};

export const CONTENDERS = Object.keys(PACKAGES);

const requires = ['./', './rivals/'].map((from) => createRequire(new URL(from, import.meta.url)));
const told = new Set();

/** `undici 7.30.2`; undefined where it is not installed. */
export function versionOf(name) {
  if (isTool(name)) return toolVersion(name);
  if (name === 'whippet') return `whippet ${requires[0]('../package.json').version}`;
  const found = PACKAGES[name];
  if (found === null) return `Node ${process.version}`;
  const manifest = requires.map((require) => manifestOf(require, found)).find((manifest) => manifest !== undefined);
  return manifest && `${found} ${manifest.version}`;
}

/** Whether it can be measured here; that it cannot is said once. */
export function isInstalled(name) {
  if (versionOf(name) !== undefined) return true;
  if (!told.has(name)) console.error(`${name} is not installed: left out`);
  told.add(name);
  return false;
}

/** Not by `require.resolve('got/package.json')`: not every package exports its own. */
function manifestOf(require, name) {
  const folders = require.resolve.paths(name) ?? [];
  const file = folders.map((folder) => join(folder, name, 'package.json')).find((file) => existsSync(file));
  return file && JSON.parse(readFileSync(file, 'utf8'));
}

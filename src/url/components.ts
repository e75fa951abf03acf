/** Setting parts of a URL one by one: whatever is given must stay within its part (CVE-2021-41945). */

import { InvalidURL } from '../errors.js';
import { quote, typeName } from '../shown-text.js';
import { QueryParams } from './query-params.js';
import type { URLComponents } from '../types.js';
import { encodeHost } from './host.js';
import type { Parts } from './parse.js';
import { checkPort, checkPrintable, CREDENTIAL, isScheme, MAX_URL_CHARS, percentEncode, splitNetloc } from './parse.js';

/**
 * The parts with the components changed, host and port checked.
 * @throws InvalidURL for a component that does not fit into its part
 * @throws TypeError for unknown names and wrong types
 */
export function changeComponents(parts: Parts, components: URLComponents): Parts {
  if (typeof components !== 'object' || components === null) {
    throw new TypeError(`URL components: expected an object, got ${typeName(components)}`);
  }
  for (const name of Object.keys(components)) {
    if (!known.has(name)) throw new TypeError(`${quote(name)} is an invalid component for URL()`);
  }
  const changed = { ...parts };
  const scheme = read(components, 'scheme', (text) => text === '' || isScheme(text));
  if (scheme !== undefined) changed.scheme = scheme;
  changeUserinfo(changed, components);
  changeAddress(changed, components);
  const path = read(components, 'path', (text) => !text.includes('?') && !text.includes('#'));
  if (path !== undefined) changed.path = path;
  const query = removable(components, 'query', (text) => !text.includes('#'));
  if (query !== undefined) changed.query = query;
  const fragment = removable(components, 'fragment', () => true);
  if (fragment !== undefined) changed.fragment = fragment;
  if (Object.hasOwn(components, 'params') && components.params !== undefined) {
    changed.query = new QueryParams(components.params).toString() || null;
  }
  return changed;
}

/** A username alone drops the password, which was another user's; a password alone keeps the username. */
function changeUserinfo(parts: Parts, components: URLComponents): void {
  const username = read(components, 'username', () => true);
  const password = read(components, 'password', () => true);
  if (username === undefined && password === undefined) return;
  const colon = parts.userinfo.indexOf(':');
  const before = colon === -1 ? parts.userinfo : parts.userinfo.slice(0, colon);
  const user = username === undefined ? before : percentEncode(username, CREDENTIAL);
  parts.userinfo = password ? `${user}:${percentEncode(password, CREDENTIAL)}` : user;
}

function changeAddress(parts: Parts, components: URLComponents): void {
  const within = (text: string) => !/[/?#@\\]/.test(text);
  let host = read(components, 'host', within);
  // An IPv6 address may come as `URL.host` gives it.
  if (host?.includes(':') && !host.startsWith('[')) host = `[${host}]`;
  if (Object.hasOwn(components, 'port') && components.port !== undefined) {
    const { port } = components;
    if (port !== null && typeof port !== 'number') {
      throw new TypeError(`URL component 'port': expected a number or null, got ${typeName(port)}`);
    }
    parts.port = checkPort(port);
  }
  const netloc = read(components, 'netloc', within);
  if (netloc !== undefined) {
    const divided = splitNetloc(netloc);
    host = divided.host;
    parts.port = checkPort(divided.port);
  }
  if (host === undefined) return;
  parts.host = encodeHost(host);
  // Without any of its parts the authority goes, and its '//' with it.
  parts.authority = false;
}

function read(components: URLComponents, name: TextComponent, fits: (text: string) => boolean): string | undefined {
  const text = Object.hasOwn(components, name) ? components[name] : undefined;
  if (text === undefined) return undefined;
  if (typeof text !== 'string')
    throw new TypeError(`URL component '${name}': expected a string, got ${typeName(text)}`);
  if (text.length > MAX_URL_CHARS) throw new InvalidURL(`URL component '${name}' too long`);
  checkPrintable(text, `URL ${name} component`);
  if (!fits(text)) throw new InvalidURL(`Invalid URL component '${name}'`);
  return text;
}

function removable(
  components: URLComponents,
  name: 'query' | 'fragment',
  fits: (text: string) => boolean,
): string | null | undefined {
  const isNull = Object.hasOwn(components, name) && components[name] === null;
  return isNull ? null : read(components, name, fits);
}

type TextComponent = Exclude<keyof URLComponents, 'port' | 'params'>;

const known: ReadonlySet<string> = new Set([
  'scheme',
  'username',
  'password',
  'host',
  'port',
  'netloc',
  'path',
  'query',
  'fragment',
  'params',
]);

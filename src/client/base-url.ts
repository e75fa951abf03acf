/** A client's base URL and what a request's URL becomes on it: httpx's append rule, not RFC 3986's join. */

import { InvalidURL } from '../errors.js';
import type { URLTypes } from '../types.js';
import { mergeQuery } from '../url/query-text.js';
import { URL } from '../url/url.js';

/** What a path stands on for a client of an app without a base URL: an app has one origin, whatever its name. */
export const APP_URL: URL = new URL('http://app/');

/** With a '/' at the end of its path, as `client.baseUrl` shows it. */
export function toBaseUrl(url: URLTypes): URL {
  const base = new URL(url);
  return base.rawPath.endsWith('/') ? base : base.copyWith({ path: `${base.rawPath}/` });
}

/**
 * Absolute URLs stay as they are. The rest is appended to the base's path, with or without a '/' before it; '..' climbs. A query
 * of the base is a default for the request's, its fragment is left behind. Text with a colon and no '//' behind it is a path as
 * well: `documents:commit`.
 *
 * @throws InvalidURL for `//host/path`, which would leave the base's host under the looks of a path
 */
export function onBaseUrl(base: URL | null, url: URLTypes): URL {
  if (base === null) return new URL(url);
  const isPath = typeof url === 'string' && schemeAlone.test(url);
  const target = new URL(isPath ? `./${url.trimStart()}` : url);
  if (target.isAbsoluteUrl || target.scheme !== '') return target;
  if (target.netloc !== '' || target.toString().startsWith('//')) {
    throw new InvalidURL(`'${target.toSafeString()}' is relative to a scheme, not to the base URL ${base.origin}`);
  }
  const path = base.rawPath + target.rawPath.replace(/^(?:\.\/)?\/*/, '');
  const joined = base.copyWith({
    path,
    query: target.query === '' ? null : target.query,
    fragment: target.fragment || null,
  });
  if (base.query === '') return joined;
  return joined.copyWith({ query: mergeQuery(base.query, joined.query) });
}

/** What RFC 3986 reads as a scheme, without an authority. */
const schemeAlone = /^[ ]*[a-z][a-z0-9+.-]*:(?!\/\/)/i;

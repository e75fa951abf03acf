/** One request, from the words and options: method, URL, headers, query, cookies, credentials, body. */

import { Headers } from '../headers.js';
import type { RequestOptions } from '../client/options.js';
import type { URL } from '../url/url.js';
import type { Arguments } from './arguments.js';
import { authOf } from './credentials.js';
import { readItem } from './items.js';
import { readBody } from './request-body.js';
import { hideWords } from './secrets.js';
import { toUrl } from './target-url.js';
import { shown, UsageError } from './usage-error.js';
import { readWords } from './words.js';

/** What `client.request()` takes. */
export interface RequestPlan {
  readonly method: string;
  readonly url: URL;
  readonly options: RequestOptions;
}

/** @throws UsageError */
export async function planRequest(args: Arguments, signal: AbortSignal): Promise<RequestPlan> {
  const words = readWords(args.words, args.value('method'));
  const items = words.items.map(readItem);
  const given = words.method ?? (args.has('head') ? 'HEAD' : null);
  if (args.has('head') && given !== 'HEAD') throw new UsageError(`--head: not together with the method ${given}`);
  let url = toUrl(words.url);
  hideWords(args, url);
  for (const line of args.values('query')) url = url.copyAddParam(...readPair(line));
  const headers = new HeaderLines();
  for (const line of args.values('header')) headers.addLine(line);
  for (const { kind, name, value } of items) {
    if (kind === 'header') headers.add(`ITEM ${shown(name)}`, name, value);
    // What the URL has of the name already stays, as it is written.
    if (kind === 'query') url = url.copyAddParam(name, value as string);
  }
  const body = await readBody(args, items, given === 'GET' || given === 'HEAD', signal);
  const { contentType, ...content } = body ?? {};
  if (contentType !== undefined) headers.default('Content-Type', contentType);
  const auth = await authOf(args, url, headers.has('authorization'), signal);
  const options: Record<string, unknown> = { ...content, headers: headers.lines, auth };
  const cookies = args.values('cookie').flatMap(readCookies);
  if (cookies.length > 0) options.cookies = cookies;
  return { method: given ?? (body === null ? 'GET' : 'POST'), url, options: options as RequestOptions };
}

/** Header lines as the client takes them: a name that repeats has a list, null removes a default. */
class HeaderLines {
  readonly lines: Record<string, string | string[] | null> = Object.create(null) as Record<string, string>;

  /** `Name: value`; `Name:` removes, `Name;` is empty. */
  addLine(line: string): void {
    const at = line.indexOf(':');
    if (at < 0 && line.endsWith(';')) return this.add('--header', line.slice(0, -1), '');
    if (at < 1)
      throw new UsageError(`--header: ${shown(line)} is not allowed, expected 'Name: value', 'Name:' or 'Name;'`);
    const value = line.slice(at + 1).trim();
    return this.add('--header', line.slice(0, at), value === '' ? null : value);
  }

  /** @throws UsageError for what would break the request */
  add(option: string, name: string, value: string | null): void {
    const bytes = value === null ? null : asBytes(value.trim());
    try {
      void new Headers([[name, bytes ?? '']]);
    } catch (error) {
      throw new UsageError(`${option}: ${(error as Error).message}`);
    }
    const known = Object.keys(this.lines).find((other) => other.toLowerCase() === name.toLowerCase());
    const before = known === undefined ? undefined : this.lines[known];
    if (bytes === null || before === undefined || before === null) {
      if (known !== undefined) delete this.lines[known];
      this.lines[name] = bytes;
    } else {
      this.lines[known as string] = [before, bytes].flat();
    }
  }

  has(name: string): boolean {
    return Object.keys(this.lines).some((other) => other.toLowerCase() === name.toLowerCase());
  }

  default(name: string, value: string): void {
    if (!this.has(name)) this.lines[name] = value;
  }
}

function readPair(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** `name=value`, or several as a Cookie header has them. Text goes out as UTF-8, as in other headers. */
function readCookies(text: string): [string, string][] {
  return text.split(';').map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1) throw new UsageError(`--cookie: ${shown(text)} is not allowed, expected name=value`);
    return [asBytes(pair.slice(0, at).trim()), asBytes(pair.slice(at + 1).trim())];
  });
}

/** As UTF-8, a byte for a character. */
function asBytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

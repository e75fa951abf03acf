/**
 * The netrc file: login and password by machine name, in the grammar of Python's `netrc` and curl's. The client decides when the
 * file is looked up; redirects.ts sees to it that it is never looked up for the target of a redirect.
 */

import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { InvalidURL } from '../errors.js';
import { quote } from '../shown-text.js';
import type { URL } from '../url/url.js';
import { bare } from '../bare.js';
import { encodeHost, withoutBrackets } from '../url/host.js';
import { isIPv6 } from 'node:net';

/** What a file says about a machine. */
export interface NetRCEntry {
  readonly login: string;
  /** null: an entry without a password, which stands for "no credentials here". */
  readonly password: string | null;
}

/** One file, read and parsed. */
export class NetRC {
  /** Its path. */
  readonly file: string;
  #machines: ReadonlyMap<string, NetRCEntry>;
  #default: NetRCEntry | null;
  /** The first line with a word that is no keyword; null for none. */
  readonly unknownLine: number | null;

  constructor(
    file: string,
    machines: ReadonlyMap<string, NetRCEntry>,
    otherwise: NetRCEntry | null,
    unknownLine: number | null = null,
  ) {
    this.file = file;
    this.#machines = machines;
    this.#default = otherwise;
    this.unknownLine = unknownLine;
  }

  /** It has no entry at all. */
  get isEmpty(): boolean {
    return this.#machines.size === 0 && this.#default === null;
  }

  /** Whether it holds a password. */
  get hasPassword(): boolean {
    return [...this.#machines.values(), this.#default].some((entry) => entry !== null && entry.password !== null);
  }

  /**
   * The credentials for the host that a URL is connected to, or null. Exactly that host: no subdomain, nothing of the userinfo
   * (CVE-2024-47081). In turn: `host:port`, the host, the host in Unicode, `default`. An entry without a password ends the search.
   */
  lookup(url: URL): { login: string; password: string } | null {
    const { rawHost, port } = url;
    if (rawHost === '') return null;
    const entry =
      (port === null ? undefined : this.#machines.get(`${rawHost}:${port}`)) ??
      this.#machines.get(rawHost) ??
      this.#machines.get(url.host) ??
      this.#default;
    return entry === null || entry.password === null ? null : { login: entry.login, password: entry.password };
  }
}

/**
 * Parses a file's text.
 *
 * Tokens are separated by whitespace; in double quotes they may hold some, and a backslash takes the next character as it is, in
 * quotes and outside. `#` begins a comment where a keyword would stand. `macdef` ends at an empty line or the file's end. Keywords are
 * read in any case; `port` and `account` are passed over with their values, and words that are no keywords alone.
 *
 * @throws SyntaxError naming file and line, and no token that could be a password
 */
export function parseNetRC(text: string, file: string): NetRC {
  const machines = new Map<string, NetRCEntry>();
  let otherwise: NetRCEntry | null = null;
  const tokens = new Tokens(text, file);
  for (;;) {
    const keyword = tokens.keyword();
    if (keyword === null) return new NetRC(file, machines, otherwise, tokens.unknownLine);
    if (keyword === 'macdef') {
      tokens.skipMacro();
    } else if (keyword === 'default') {
      otherwise = readEntry(tokens);
    } else if (keyword === 'machine') {
      machines.set(machineOf(tokens.value('machine')), readEntry(tokens));
    } else {
      tokens.passOver();
    }
  }
}

/** As `URL.rawHost` spells it. What is no host, such as `host:port`, stays as it is. */
function machineOf(given: string): string {
  const name = given.toLowerCase();
  try {
    return withoutBrackets(encodeHost(isIPv6(name) ? `[${given}]` : given));
  } catch (error) {
    if (!(error instanceof InvalidURL)) throw error;
    return name;
  }
}

/** Up to the next 'machine', 'default' or 'macdef' that is no part of the entry. */
function readEntry(tokens: Tokens): NetRCEntry {
  let login = '';
  let password: string | null = null;
  for (;;) {
    const keyword = tokens.keyword();
    if (keyword === 'login' || keyword === 'user') {
      login = tokens.value(keyword);
    } else if (keyword === 'password') {
      password = tokens.value(keyword);
    } else if (keyword === 'account' || keyword === 'port') {
      tokens.value(keyword);
    } else if (keyword === 'macdef') {
      tokens.skipMacro();
    } else if (keyword === null || keyword === 'machine' || keyword === 'default') {
      tokens.unread(keyword);
      return { login, password };
    } else {
      tokens.passOver();
    }
  }
}

class Tokens {
  #text: string;
  #file: string;
  #at = 0;
  #unread: string | null = null;
  /** Of the first word that was passed over. */
  unknownLine: number | null = null;

  constructor(text: string, file: string) {
    this.#text = text.startsWith('\ufeff') ? text.slice(1) : text;
    this.#file = file;
  }

  /** What was read last is no keyword: it may be one of another program, or the value of one. */
  passOver(): void {
    this.unknownLine ??= this.#line();
  }

  /** The next token where a keyword stands, in lower case, comments skipped; null at the end. */
  keyword(): string | null {
    const unread = this.#unread;
    this.#unread = null;
    if (unread !== null) return unread;
    for (;;) {
      const token = this.#next();
      if (token === null || !token.startsWith('#')) return token === null ? null : token.toLowerCase();
      // A comment, to the end of its line: the token may have been the last one in it.
      if (this.#text[this.#at - 1] !== '\n') this.#skipLine();
    }
  }

  /** The token after a keyword, whatever it looks like. */
  value(after: string): string {
    const token = this.#next();
    if (token === null) throw this.error(`expected a value after '${after}'`);
    // What cannot stand in a credential (RFC 7617 §2) would only fail later.
    if (/[\x00-\x1f\x7f]/.test(token)) throw this.error(`the value after '${after}' has a control character`);
    return token;
  }

  unread(token: string | null): void {
    this.#unread = token;
  }

  /** The macro's name, and lines up to an empty one. */
  skipMacro(): void {
    this.#skipLine();
    while (this.#at < this.#text.length) {
      const start = this.#at;
      this.#skipLine();
      if (this.#text.slice(start, this.#at).trim() === '') return;
    }
  }

  error(what: string): SyntaxError {
    return new SyntaxError(`${this.#file}, line ${this.#line()}: ${what}`);
  }

  #line(): number {
    return this.#text.slice(0, this.#at).replace(/\s+$/, '').split('\n').length;
  }

  #skipLine(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end === -1 ? this.#text.length : end + 1;
  }

  #next(): string | null {
    const text = this.#text;
    let at = this.#at;
    while (at < text.length && isSpace(text[at])) at++;
    if (at === text.length) {
      this.#at = at;
      return null;
    }
    const isQuoted = text[at] === '"';
    if (isQuoted) at++;
    let token = '';
    let from = at;
    for (; at < text.length; at++) {
      const char = text[at];
      if (isQuoted ? char === '"' : isSpace(char)) break;
      if (char !== '\\' || at + 1 === text.length) continue;
      token += text.slice(from, at);
      from = ++at;
    }
    token += text.slice(from, at);
    // The space after it goes with it: a comment's end is seen by the line feed before.
    this.#at = Math.min(at + 1, text.length);
    if (isQuoted && at >= text.length) throw this.error('a quote is not closed');
    return token;
  }
}

/**
 * The file that NETRC names, else `~/.netrc`, else `~/_netrc`. Read once, when it is first asked for; another client reads again.
 * Nothing about it is an error: what is wrong with a file is one warning for the process, and requests go on without it.
 */
export function findNetRC(): NetRC | null {
  const named = process.env.NETRC;
  const home = homeFolder();
  if (named !== undefined && named !== '')
    return (
      tolerantly(
        named.replace(/^~(?=\/)/, () => home ?? '~'),
        false,
      ) ?? null
    );
  for (const name of home === null ? [] : ['.netrc', '_netrc']) {
    const found = tolerantly(path.join(home as string, name), true);
    if (found !== undefined) return found;
  }
  return null;
}

/** null where there is none: a user whom the system does not know, as in a container, without HOME. */
function homeFolder(): string | null {
  try {
    return homedir() || null;
  } catch {
    return null;
  }
}

/**
 * Reads and parses one file; a word in it that is no keyword is one warning for the process.
 * @throws Error for one that is missing, no file, larger than 128 KiB or not a netrc; the message names it
 */
export function readNetRC(file: string): NetRC {
  const size = sizeOf(file);
  if (size === null) throw new Error(`${file}: there is no such file`);
  if (size > MAX_FILE_BYTES) throw new Error(`${file}: larger than ${MAX_FILE_BYTES} bytes`);
  const found = parseNetRC(readFileSync(file, 'utf8'), file);
  if (found.unknownLine !== null) {
    warn(`${file}, line ${found.unknownLine}: a word that is no keyword is passed over`, 'WHIPPET_NETRC', file);
  }
  return found;
}

/** undefined when there is no such file, null when there is nothing in it to use. */
function tolerantly(file: string, checkMode: boolean): NetRC | null | undefined {
  try {
    if (sizeOf(file) === null) return undefined;
    const found = readNetRC(file);
    if (checkMode && found.hasPassword && process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
      warn(`${file} holds passwords and others may read it: chmod 600`, 'WHIPPET_NETRC_MODE', file);
    }
    return found.isEmpty ? null : found;
  } catch (error) {
    warn(`netrc ignored: ${(error as Error).message}`, 'WHIPPET_NETRC', file);
    return null;
  }
}

/** Bytes; null when there is none. A pipe or a device could be read for ever, and a directory not at all. */
function sizeOf(file: string): number | null {
  const found = statSync(file, bare({ throwIfNoEntry: false as const }));
  if (found === undefined) return null;
  if (!found.isFile()) throw new Error(`${quote(file)} is not a file`);
  return found.size;
}

/** The first entry of a file that cannot be used. */
export function warnOfEntry(file: string, why: string): void {
  warn(`netrc ignored: ${file}: ${why}`, 'WHIPPET_NETRC', `${file} entries`);
}

/** @param about Once for each. */
function warn(message: string, code: string, about: string): void {
  if (warned.has(about)) return;
  warned.add(about);
  process.emitWarning(message, bare({ code }));
}

const isSpace = (char: string) => char === ' ' || char === '\t' || char === '\n' || char === '\r';
const warned = new Set<string>();
/** As curl's. */
const MAX_FILE_BYTES = 128 * 1024;

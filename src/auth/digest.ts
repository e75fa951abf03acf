/**
 * Digest authentication (RFC 7616, and RFC 2069 for servers without qop). The challenge's grammar is in challenge.ts; a proxy's 407
 * is answered in the core (crates/core/src/proxy/digest.rs).
 */

import { createHash, randomBytes } from 'node:crypto';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { Auth } from './auth.js';
import { checkCredential } from './basic.js';
import type { Challenge } from './challenge.js';
import { parseChallenges } from './challenge.js';

/**
 * HTTP Digest authentication: MD5, SHA (SHA-1), SHA-256, SHA-512 and SHA-512-256, each with -sess; qop auth, auth-int and none.
 *
 * The first request of an origin goes out without credentials; its 401 is answered once, and once more when the server calls the
 * nonce stale. From then on the challenge is answered beforehand, with a nonce count of its own for each request. Of several
 * challenges the strongest is taken. A 401 that offers nothing known, or nothing that can be read, is the caller's response.
 *
 * @throws TypeError for what is no string and for control characters
 * @since 0.1.0
 */
export class DigestAuth extends Auth {
  #username: string;
  #password: string;
  /** By origin: the same object may serve several, and none learns what another asked. */
  #known = new Map<string, DigestChallenge>();

  /**
   * Takes the name and the password.
   *
   * @throws TypeError for what is no text, or cannot be sent
   * @since 0.1.0
   */
  constructor(username: string, password: string) {
    super();
    checkCredential('username', username, 'DigestAuth');
    checkCredential('password', password, 'DigestAuth');
    this.#username = username;
    this.#password = password;
  }

  /**
   * For a proxy's challenge, which the core answers.
   * @internal
   */
  get digestCredentials(): readonly [username: string, password: string] {
    return [this.#username, this.#password];
  }

  /**
   * Yields the request, and again with an answer when the response is a challenge. Called by the client for each
   * request; a flow of one's own extends `Auth`.
   * @since 0.1.0
   */
  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    const { origin } = request.url;
    const known = this.#known.get(origin);
    if (known !== undefined) await this.#answer(known, request);
    let response = yield request;
    this.#learn(origin, response);
    // A second answer only where the server says that nothing but the nonce was wrong.
    for (let answers = 0; answers < 2 && response.statusCode === 401; answers++) {
      const challenge = strongestOf(response);
      if (challenge === null || (answers > 0 && !challenge.isStale)) return;
      await this.#answer(this.#remember(origin, challenge), request);
      response = yield request;
      this.#learn(origin, response);
    }
  }

  /** RFC 7616 §3.5: the nonce that the server wants next, where each is good for one request. */
  #learn(origin: string, response: Response): void {
    const info = response.headers.get('authentication-info');
    const known = this.#known.get(origin);
    if (info === undefined || known === undefined || response.statusCode === 401) return;
    const nonce = textOf(parseChallenges([`Digest ${info}`])[0]?.params.get('nextnonce'));
    // The key of -sess stays that of its first nonce, which only a challenge replaces.
    if (nonce === undefined || nonce === '' || known.isSession || nonce === known.nonce) return;
    this.#known.set(origin, { ...known, nonce, count: 0 });
  }

  /** The same nonce goes on with its count; a new one begins at 1. */
  #remember(origin: string, challenge: DigestChallenge): DigestChallenge {
    const known = this.#known.get(origin);
    if (known !== undefined && known.nonce === challenge.nonce && known.realm === challenge.realm) return known;
    if (this.#known.size >= MAX_ORIGIN_COUNT) this.#known.clear();
    this.#known.set(origin, challenge);
    return challenge;
  }

  async #answer(challenge: DigestChallenge, request: Request): Promise<void> {
    // Counted before anything is awaited: no two requests may share a count.
    const count = ++challenge.count;
    const body = challenge.qop === 'auth-int' ? await request.read() : null;
    const cnonce = challenge.isSession ? challenge.cnonce : randomBytes(8).toString('hex');
    const credentials = { username: this.#username, password: this.#password, cnonce, count };
    const target = { method: request.method, uri: request.url.fullPath, body };
    request.setHeader('Authorization', authorization(challenge, credentials, target));
  }
}

/** What a server asked for, in a form that can be answered. */
export interface DigestChallenge {
  realm: string;
  nonce: string;
  opaque: string | undefined;
  /** As it was received: it is echoed. */
  algorithm: string;
  qop: 'auth' | 'auth-int' | null;
  isSession: boolean;
  isStale: boolean;
  wantsUserhash: boolean;
  isUtf8: boolean;
  /** How often it was answered. */
  count: number;
  /** For -sess, whose key is made from the first one (RFC 7616 §3.4.2). */
  cnonce: string;
}

export interface DigestCredentials {
  username: string;
  password: string;
  cnonce: string;
  count: number;
}

/** RFC 7616 §3.4. The fields are in httpx's order. */
export function authorization(
  challenge: DigestChallenge,
  { username, password, cnonce, count }: DigestCredentials,
  { method, uri, body }: { method: string; uri: string; body: Buffer | null },
): string {
  const { realm, nonce, opaque, algorithm, qop, isSession, wantsUserhash, isUtf8 } = challenge;
  const name = hashes.get(baseOf(algorithm)) as string;
  const hash = (text: string | Buffer) => createHash(name).update(text).digest('hex');
  const nc = count.toString(16).padStart(8, '0');
  let a1 = hash(`${username}:${realm}:${password}`);
  if (isSession) a1 = hash(`${a1}:${nonce}:${cnonce}`);
  const a2 = hash(qop === 'auth-int' ? `${method}:${uri}:${hash(body ?? '')}` : `${method}:${uri}`);
  const response = hash(qop === null ? `${a1}:${nonce}:${a2}` : `${a1}:${nonce}:${nc}:${cnonce}:${qop}:${a2}`);
  const fields = [
    usernameField(username, wantsUserhash ? hash(`${username}:${realm}`) : null, isUtf8),
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    `response="${response}"`,
    `algorithm=${algorithm}`,
  ];
  if (opaque !== undefined) fields.push(`opaque=${quoted(opaque)}`);
  if (qop !== null) fields.push(`qop=${qop}`, `nc=${nc}`);
  // A1 of a -sess algorithm contains the cnonce, so that it goes along without qop as well (RFC 2069 has neither).
  if (qop !== null || isSession) fields.push(`cnonce="${cnonce}"`);
  if (wantsUserhash) fields.push('userhash=true');
  return `Digest ${fields.join(', ')}`;
}

/**
 * The strongest challenge that can be answered (RFC 7616 §3.7 leaves the choice to us); null when there is none: of another scheme,
 * of an unknown algorithm, or without what an answer needs.
 */
function strongestOf(response: Response): DigestChallenge | null {
  let best: DigestChallenge | null = null;
  for (const challenge of parseChallenges(response.headers.getList('www-authenticate'))) {
    const read = challenge.scheme === 'digest' ? readChallenge(challenge) : null;
    if (read !== null && (best === null || strength(read) > strength(best))) best = read;
  }
  return best;
}

function readChallenge({ params, isMalformed }: Challenge): DigestChallenge | null {
  const realm = textOf(params.get('realm'));
  const nonce = textOf(params.get('nonce'));
  if (isMalformed || realm === undefined || nonce === undefined) return null;
  const algorithm = params.get('algorithm') || 'MD5';
  if (!hashes.has(baseOf(algorithm))) return null;
  const offered = (params.get('qop') ?? '').split(',').map((qop) => qop.trim().toLowerCase());
  const qop = offered.includes('auth') ? 'auth' : offered.includes('auth-int') ? 'auth-int' : null;
  // RFC 7616 §3.3: no qop is RFC 2069; an unknown one is none that we could answer.
  if (qop === null && offered.some((qop) => qop !== '')) return null;
  const isTrue = (name: string) => params.get(name)?.toLowerCase() === 'true';
  return {
    realm,
    nonce,
    opaque: textOf(params.get('opaque')),
    algorithm,
    qop,
    isSession: algorithm.toLowerCase().endsWith('-sess'),
    isStale: isTrue('stale'),
    wantsUserhash: isTrue('userhash'),
    isUtf8: params.get('charset')?.toLowerCase() === 'utf-8',
    count: 0,
    cnonce: randomBytes(8).toString('hex'),
  };
}

/** Header values arrive as Latin-1, one character a byte; a server that writes UTF-8 there means UTF-8. */
function textOf(value: string | undefined): string | undefined {
  if (value === undefined || !/[\x80-\xff]/.test(value)) return value;
  const text = Buffer.from(value, 'latin1').toString();
  return text.includes('\ufffd') ? value : text;
}

function strength({ algorithm }: DigestChallenge): number {
  return [...hashes.keys()].indexOf(baseOf(algorithm));
}

function baseOf(algorithm: string): string {
  return algorithm.toLowerCase().replace(/-sess$/, '');
}

/** RFC 7616 §3.4: `username*` (RFC 8187) where the plain one could not say it, and the server reads it. */
function usernameField(username: string, hashed: string | null, isUtf8: boolean): string {
  if (hashed !== null) return `username="${hashed}"`;
  const isAscii = /^[\x20-\x7e]*$/.test(username);
  if (isAscii || !isUtf8) return `username=${quoted(username)}`;
  const encoded = encodeURIComponent(username).replace(
    /['()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `username*=UTF-8''${encoded}`;
}

/** RFC 9110 §5.6.4. What is beyond ASCII goes out as UTF-8, as httpx has it; header values are Latin-1, one character a byte. */
function quoted(text: string): string {
  return `"${Buffer.from(text.replace(/["\\]/g, '\\$&')).toString('latin1')}"`;
}

/** Weakest first. */
const hashes: ReadonlyMap<string, string> = new Map([
  ['md5', 'md5'],
  ['sha', 'sha1'],
  ['sha-256', 'sha256'],
  ['sha-512-256', 'sha512-256'],
  ['sha-512', 'sha512'],
]);
const MAX_ORIGIN_COUNT = 256;

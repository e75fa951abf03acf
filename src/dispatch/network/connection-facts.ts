/** What the core says of a connection, once, and of exchanges that failed: texts of crates/node/src/timings.rs, read when asked for. */

import { ownText } from '../../own-memory.js';
import type { ProxySecrets } from '../../request-secrets.js';
import type { FailedTimings, Peer, TLSInfo } from '../../response/timings.js';

/** One connection. Its responses hold it, as the core may give its number to another. */
export class ConnectionFacts {
  /** What it leads through; told by the first exchange that it carries, and all of them have the same. */
  proxy: ProxySecrets | null = null;
  /** Microseconds for dns, connect and tls; null where there was no such step. */
  #connecting: readonly (number | null)[] | null = null;
  #lines: readonly string[];
  /** The certificates as Latin-1, one behind the other. */
  #certificates: string;

  constructor(text: string, certificates: string) {
    this.#lines = text.split('\n');
    this.#certificates = certificates;
  }

  get connecting(): readonly (number | null)[] {
    return (this.#connecting ??= numbersOf(this.#lines[2].split(' ')));
  }

  peer(isReused: boolean): Peer | null {
    return peerOf(this.#lines[0].split(' '), isReused);
  }

  tls(): TLSInfo | null {
    const [version, cipher, group, alpn] = this.#lines[1].split(' ');
    if (version === '') return null;
    const certificates: Buffer[] = [];
    let at = 0;
    for (const length of this.#lines[3].split(' ')) {
      if (length !== '') certificates.push(ownText(this.#certificates.slice(at, (at += Number(length))), 'latin1'));
    }
    return Object.freeze({
      version: version as TLSInfo['version'],
      cipher,
      group: group === '-' ? null : group,
      alpn: alpn === '-' ? null : alpn,
      certificates: Object.freeze(certificates),
    });
  }
}

/** How far an exchange came that failed; undefined where nothing is known of it. */
export function courseOf(text: string): { timings: FailedTimings; peer: Peer | null } | undefined {
  if (text === '') return undefined;
  const words = text.split(' ');
  const [pool, dns, connect, tls, send, wait, receive] = numbersOf(words.slice(0, 7)).map(milliseconds);
  const timings = Object.freeze({ pool: pool ?? 0, dns, connect, tls, send, wait, receive });
  return { timings, peer: peerOf(words.slice(7), words[11] === 'reused') };
}

function peerOf(words: readonly string[], isReused: boolean): Peer | null {
  const [address, port, localAddress, localPort] = words;
  if (localPort === undefined) return null;
  return Object.freeze({ address, port: Number(port), localAddress, localPort: Number(localPort), isReused });
}

function numbersOf(words: readonly string[]): (number | null)[] {
  return words.map((word) => (word === '-' ? null : Number(word)));
}

/** Of microseconds. */
export function milliseconds(us: number | null): number | null {
  return us === null ? null : us / 1000;
}

/** What a `Connection` record says. */
export function connectionFactsOf(bytes: Buffer): ConnectionFacts {
  let end = 0;
  for (let line = 0; line < 4; line++) end = bytes.indexOf(10, end) + 1;
  const certificates = bytes.latin1Slice(end, bytes.length);
  if (certificates !== lastCertificates) lastCertificates = certificates;
  return new ConnectionFacts(bytes.latin1Slice(0, end - 1), lastCertificates);
}

/** Those of the connection before: many lead to the same server, and certificates are large. */
let lastCertificates = '';

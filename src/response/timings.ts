/** Where the time of an exchange went, and where its connection led: the shapes, and what is left of them where there was no network. */

import type { ProxySecrets } from '../request-secrets.js';

/**
 * Milliseconds spent in each phase of an exchange; their sum is `elapsedTotal`. 0: a kept connection saved it. null: there was no such
 * phase.
 * @since 0.1.0
 */
export interface Timings {
  /** Milliseconds of waiting for a connection, or for another request's handshake. @since 0.1.0 */
  readonly pool: number;
  /** Milliseconds of looking the name up; null where the host is an address. @since 0.1.0 */
  readonly dns: number | null;
  /**
   * TCP and whatever a proxy wants, up to TLS with the origin; null for apps and responses made by hand.
   * @since 0.1.0
   */
  readonly connect: number | null;
  /** Milliseconds of the TLS handshake with the origin; null for http. @since 0.1.0 */
  readonly tls: number | null;
  /** Milliseconds of writing the request, its body included. @since 0.1.0 */
  readonly send: number;
  /** Milliseconds from there to the response's head. @since 0.1.0 */
  readonly wait: number;
  /** Milliseconds from the head to the end of the body; null before that. @since 0.1.0 */
  readonly receive: number | null;
}

/**
 * The same of an exchange that failed: null is what it did not come to, and the last phase lasts until the failure.
 * @since 0.1.0
 */
export interface FailedTimings extends Omit<Timings, 'send' | 'wait'> {
  /** Milliseconds of writing the request; null when it did not come to that. @since 0.1.0 */
  readonly send: number | null;
  /**
   * Milliseconds from there to the response's head, or to the failure; null when it did not come to that.
   * @since 0.1.0
   */
  readonly wait: number | null;
}

/** The two ends of a connection: the server, or the proxy in front of it, and this machine. @since 0.1.0 */
export interface Peer {
  /** The IP address of the other end. @since 0.1.0 */
  readonly address: string;
  /** The port of the other end. @since 0.1.0 */
  readonly port: number;
  /** The IP address of this end. @since 0.1.0 */
  readonly localAddress: string;
  /** The port of this end. @since 0.1.0 */
  readonly localPort: number;
  /** Whether the connection was there before this request asked for one. @since 0.1.0 */
  readonly isReused: boolean;
}

/** TLS with the origin, in the names of IANA's registries. @since 0.1.0 */
export interface TLSInfo {
  /** The version of TLS that was agreed upon. @since 0.1.0 */
  readonly version: 'TLSv1.2' | 'TLSv1.3';
  /** The cipher suite, e.g. `TLS_AES_128_GCM_SHA256`. @since 0.1.0 */
  readonly cipher: string;
  /** Of the key exchange, e.g. `X25519MLKEM768`; null for a session of TLS 1.2 that is resumed. @since 0.1.0 */
  readonly group: string | null;
  /** `h2`, `http/1.1`; null when the server chose none. @since 0.1.0 */
  readonly alpn: string | null;
  /** As the server sent them, DER, its own first; of a resumed session those of its first handshake. @since 0.1.0 */
  readonly certificates: readonly Buffer[];
}

/**
 * What a network knows of an exchange, made on first access.
 * @internal
 */
export interface ExchangeFacts {
  /** @param total Milliseconds to the end of the body; null before that. */
  timings(total: number | null): Timings;
  readonly peer: Peer | null;
  readonly tls: TLSInfo | null;
  /** What the connection leads through; null where there is no proxy. */
  readonly proxy: ProxySecrets | null;
}

/** Of an exchange without a connection: an app's, or none at all. */
export function withoutConnection(elapsed: number, total: number | null): Timings {
  const receive = receiveOf(elapsed, total);
  return Object.freeze({ pool: 0, dns: null, connect: null, tls: null, send: 0, wait: elapsed, receive });
}

/** Without the noise of subtracting floating-point numbers: microseconds. */
export function receiveOf(elapsed: number, total: number | null): number | null {
  return total === null ? null : Math.max(0, Math.round((total - elapsed) * 1000) / 1000);
}

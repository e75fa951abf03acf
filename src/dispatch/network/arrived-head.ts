/** A response as its record has it, read when it is asked for. */

import type { Headers } from '../../headers.js';
import { addon } from '../../native.js';
import { ownCopy } from '../../own-memory.js';
import type { ProxySecrets } from '../../request-secrets.js';
import type { BodySource } from '../../response/body-source.js';
import type { ReceivedResponse, ResponseVersion } from '../../response/received.js';
import type { ExchangeFacts, Peer, Timings, TLSInfo } from '../../response/timings.js';
import { receiveOf } from '../../response/timings.js';
import type { ConnectionFacts } from './connection-facts.js';
import { milliseconds } from './connection-facts.js';
import {
  BODY_LENGTH_AT,
  CONNECTION_AT,
  HEAD_LENGTH_AT,
  HEAD_TIME_AT,
  IS_NEW,
  IS_REUSED,
  NOW_AT,
  POOL_AT,
  RECEIVED_AT,
  RECORD_BYTES,
  SENT_AT,
  SETS_COOKIES,
  STATUS_AT,
  VERSION_AT,
} from './record.js';

/** A response's head in a batch, and a small body behind it; numbers, text and bytes are made on first access. */
export class ArrivedHead implements ReceivedResponse, ExchangeFacts {
  /** Set when the body comes piece by piece. */
  source: BodySource | null = null;
  trailers: Headers | null = null;
  readonly statusCode: number;
  #tls: TLSInfo | null | undefined;

  constructor(
    private readonly batch: Buffer,
    /** Where its record begins. */
    private readonly at: number,
    private readonly isWhole: boolean,
    private readonly large: Buffer | null,
    private readonly connection: ConnectionFacts | undefined,
  ) {
    this.statusCode = batch.readUInt16LE(at + STATUS_AT);
  }

  get version(): ResponseVersion {
    const versionNumber = this.batch[this.at + VERSION_AT] & ~SETS_COOKIES;
    const versions = addon().RecordVersion;
    return versionNumber === versions.Http2 ? 'HTTP/2' : versionNumber === versions.Http10 ? 'HTTP/1.0' : 'HTTP/1.1';
  }

  get maySetCookies(): boolean {
    return this.batch[this.at + VERSION_AT] >= SETS_COOKIES;
  }

  get reason(): string {
    const start = this.at + RECORD_BYTES;
    return this.batch.latin1Slice(start, this.batch.indexOf(10, start));
  }

  get headerLines(): string {
    const { batch } = this;
    const headStart = this.at + RECORD_BYTES;
    // Nearly always there is no reason phrase of the server's own, and the lines begin behind the line feed.
    const start = batch[headStart] === 10 ? headStart + 1 : batch.indexOf(10, headStart) + 1;
    return batch.latin1Slice(start, this.#bodyStart);
  }

  get elapsed(): number {
    return this.#field(HEAD_TIME_AT) / 1000;
  }

  get elapsedTotal(): number | null {
    return this.isWhole ? this.#field(NOW_AT) / 1000 : null;
  }

  get received(): number {
    return this.#field(RECEIVED_AT);
  }

  get facts(): ExchangeFacts {
    return this;
  }

  /** In whole microseconds, so that their sum is that of the record. */
  timings(total: number | null): Timings {
    const [head, pool, sent] = [this.#field(HEAD_TIME_AT), this.#field(POOL_AT), this.#field(SENT_AT)];
    const isNew = this.#field(CONNECTION_AT) >= IS_NEW;
    const connecting = this.connection?.connecting ?? NO_CONNECTION;
    const [dns, connect, tls] = isNew ? connecting : connecting.map((us) => us && 0);
    const begun = pool + (dns ?? 0) + (connect ?? 0) + (tls ?? 0);
    const send = Math.max(0, sent - begun);
    return Object.freeze({
      pool: pool / 1000,
      dns: milliseconds(dns),
      connect: milliseconds(connect),
      tls: milliseconds(tls),
      send: send / 1000,
      wait: Math.max(0, head - begun - send) / 1000,
      receive: receiveOf(head / 1000, total),
    });
  }

  get peer(): Peer | null {
    const isReused = (this.#field(CONNECTION_AT) & IS_REUSED) !== 0;
    return this.connection?.peer(isReused) ?? null;
  }

  get tls(): TLSInfo | null {
    return (this.#tls ??= this.connection?.tls() ?? null);
  }

  get proxy(): ProxySecrets | null {
    return this.connection?.proxy ?? null;
  }

  /** It came through this one. */
  setProxy(proxy: ProxySecrets): void {
    if (this.connection !== undefined) this.connection.proxy = proxy;
  }

  view(): Buffer | null {
    if (this.source !== null) return null;
    return this.large ?? this.#body();
  }

  /** A copy in memory of its own, so that `content.buffer` shows no bytes of the other responses in the batch. */
  copy(): Buffer | null {
    if (this.source !== null || this.large !== null) return this.large;
    return ownCopy(this.#body());
  }

  #field(at: number): number {
    return this.batch.readUInt32LE(this.at + at);
  }

  get #bodyStart(): number {
    return this.at + RECORD_BYTES + this.#field(HEAD_LENGTH_AT);
  }

  /** One that is no buffer of its own. */
  #body(): Buffer {
    const start = this.#bodyStart;
    return this.batch.subarray(start, start + this.#field(BODY_LENGTH_AT));
  }
}

const NO_CONNECTION: readonly null[] = [null, null, null];

/** What a Response is made from: what a dispatch received, and what the client knows besides. Types only. */

import type { Cookies } from '../cookies/cookies.js';
import type { BodySource } from './body-source.js';
import type { Headers } from '../headers.js';
import type { Response } from './response.js';
import type { ExchangeFacts } from './timings.js';
import type { HTTPVersion } from '../types.js';

/** The versions a response can be in. @since 0.1.0 */
export type ResponseVersion = HTTPVersion | 'HTTP/1.0';

/**
 * What a dispatch received, parsed lazily: most responses are used without most of it.
 * @internal
 */
export interface ReceivedResponse {
  readonly version: ResponseVersion;
  /** '' when it is the usual one. */
  readonly reason: string;
  /** 'name\nvalue\n…' */
  readonly headerLines: string;
  /** The whole body, or null when it comes from `source`. `copy` is for the user to keep; `view` only to be read at once. */
  view(): Buffer | null;
  copy(): Buffer | null;
  readonly source: BodySource | null;
  /** Bytes of the whole body, before decoding. */
  readonly received: number;
  readonly trailers: Headers | null;
  /** Milliseconds from sending to the head. */
  readonly elapsed: number;
  readonly elapsedTotal: number | null;
  /** What a network knows besides. */
  readonly facts?: ExchangeFacts;
  /** Whether there may be a Set-Cookie; false is certain. */
  readonly maySetCookies?: boolean;
}

/** An encoding of the WHATWG standard, or a function that guesses it from the whole body. */
export type DefaultEncoding = string | ((content: Buffer) => string);

/**
 * What the client knows and a dispatch does not. It is attached where the dispatch answers, before a hook, an auth flow or a
 * subscriber sees the response.
 */
export interface ResponseContext {
  history?: readonly Response[];
  /** For `nextRequest` of a response with a Location. */
  redirect?: RedirectContext;
  /** The encoding of text without a charset, or a function that returns it. */
  defaultEncoding?: DefaultEncoding;
  progress?: Progress;
  /** The call reads the body anyway, unless it goes on after it: what iterates it before leaves it there. */
  keepsBody?: boolean;
  /** What `read()` reads at most; null for any number of bytes. */
  maxResponseSize?: number | null;
}

/** Told of a body as it comes. */
export interface Progress {
  /** Of the bytes received and the number that was declared, null for none. */
  tell(received: number, total: number | null): void;
  /** What it has been told is done with; null when it is so already. */
  settled(): Promise<void> | null;
}

/** What the request that follows a redirect is made with. */
export interface RedirectContext {
  /** Names that another origin does not get. */
  sensitiveHeaders: readonly string[];
  cookies: Cookies | null;
  /** An earlier redirect of this call has left the origin that the call was for. */
  isAway: boolean;
}

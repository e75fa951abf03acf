/** What a response pulls its body from: the network, an app in this process, bytes that are there. */

import type { Headers } from '../headers.js';
import type { FileHandle } from '../native.js';

/** A file that a body is written into. @since 0.1.0 */
export interface BodySink {
  /** The path of the file, as errors name it. @since 0.1.0 */
  readonly path: string;
  /** The file, opened by the core: by this the core writes into it without JavaScript. @since 0.1.0 */
  readonly handle: FileHandle;
  /**
   * Takes the next chunk; resolves when there is room for more. Rejects when the sink takes nothing any more.
   * @since 0.1.0
   */
  write(chunk: Buffer): Promise<void>;
}

/** An abort by the caller's signal. */
export interface Abortion {
  reason: unknown;
}

/** Where a response's body comes from. @since 0.1.0 */
export interface BodySource {
  /**
   * The next piece, possibly empty; null at the end. One call at a time. The first one decides whether the pieces come `raw` or
   * with their content coding undone.
   * @since 0.1.0
   */
  read(raw: boolean): Promise<Buffer | null>;
  /**
   * All that is left, decoded, where the source can put it together better than its reader. It rejects with ResponseTooLarge beyond
   * `limit` bytes; `tell` is told of the bytes received so far.
   * @internal
   */
  readWhole?: (limit: number | null, tell: ((received: number) => void) | null) => Promise<Buffer>;
  /**
   * Reads what is left as it comes, if that is little and there soon, so that the connection serves again. Null when it was given up.
   * @internal
   */
  drain?: () => Promise<Buffer | null>;
  /**
   * All of it, where it came with its head and has no content coding: it is the reader's from then on. Null when it is still to come.
   * @internal
   */
  takeAtHand?: () => Buffer | null;
  /** Gives up the unread rest of the body. Idempotent. @since 0.1.0 */
  cancel(): void;
  /**
   * Why the caller wants no more, also not what is at hand: the reason of its signal. Null, or no such method: it has not said so.
   * @internal
   */
  abortion?: () => Abortion | null;
  /**
   * Where the pieces need not come into JavaScript: writes all of them, decoded, into the file, and resolves at the end. `tell` is
   * told of the bytes received so far. Instead of `read`.
   * @internal
   */
  save?: (sink: BodySink, tell: ((received: number) => void) | null) => Promise<void>;
  /** Bytes so far, before decoding. @since 0.1.0 */
  readonly received: number;
  /** The fields that came after the body; null before its end, and where there were none. @since 0.1.0 */
  readonly trailers: Headers | null;
  /** Milliseconds from sending to the end of the body, when known. @since 0.1.0 */
  readonly elapsed: number | null;
}

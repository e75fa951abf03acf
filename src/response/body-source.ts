/** What a response pulls its body from: the network, an app in this process, bytes that are there. */

import type { Headers } from '../headers.js';
import type { FileHandle } from '../native.js';

/** A file that a body is written into. */
export interface BodySink {
  /** Its name, for errors. */
  readonly path: string;
  /** The core's handle of it. */
  readonly handle: FileHandle;
  write(chunk: Buffer): Promise<void>;
}

/** Where a response's body comes from. */
export interface BodySource {
  /**
   * The next piece, possibly empty; null at the end. One call at a time. The first one decides whether the pieces come `raw` or
   * with their content coding undone.
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
  /** Gives up the unread rest of the body. Idempotent. */
  cancel(): void;
  /**
   * Where the pieces need not come into JavaScript: writes all of them, decoded, into the file, and resolves at the end. `tell` is
   * told of the bytes received so far. Instead of `read`.
   * @internal
   */
  save?: (sink: BodySink, tell: ((received: number) => void) | null) => Promise<void>;
  /** Bytes so far, before decoding. */
  readonly received: number;
  /** After the end. */
  readonly trailers: Headers | null;
  /** Milliseconds from sending to the end of the body, when known. */
  readonly elapsed: number | null;
}

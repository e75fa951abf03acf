/** What those are told that have an id at the binding. Types only. */

import type { ErrorKind } from '../../native.js';
import type { ArrivedHead } from './arrived-head.js';

/** What a call for an open file is told. */
export interface FileListener {
  onFile(text: string): void;
  onError(kind: ErrorKind, code: string | undefined, message: string): void;
}

/** What a pool is told that looks names up by itself. */
export interface LookupListener {
  /** The addresses of `host` are wanted: `answerLookup` or `failLookup` with the number. */
  onLookup(question: number, host: string): void;
}

/** What a function of a user's threw. */
export interface Thrown {
  readonly reason: unknown;
}

/** What an exchange is told. */
export interface Listener {
  onDone(head: ArrivedHead): void;
  onHead(head: ArrivedHead): void;
  /** As onHead, and nothing comes after it: `content` is the whole body. */
  onHeadWithBody(head: ArrivedHead, elapsed: number, received: number, content: Buffer): void;
  /** `received`: bytes since the last chunk, before decoding. */
  onChunk(chunk: Buffer, received: number): void;
  /** `received` bytes more of a body that is read as a whole. */
  onProgress(received: number): void;
  /** `rest`: what was asked for as a whole; null when it was not wanted, and given up. */
  onEnd(trailerLines: string, elapsed: number, received: number, rest: Buffer | null): void;
  onTrailers(lines: string): void;
  onInformational(statusCode: number, lines: string): void;
  onWritable(stopped: boolean): void;
  /** The body of a streamed request is wanted from its beginning, as it goes to another connection; `restart` is the answer. */
  onRestart(): void;
  /** So many bytes of a file were handed over as part of the request. */
  onFileProgress(sent: number): void;
  /** A file could not be sent as part of the request. */
  onWriteFailed(kind: ErrorKind, code: string | undefined, message: string): void;
  /** A proxy's answer to CONNECT; the error follows. */
  onRefusal(head: ArrivedHead): void;
  /** Of a response whose body cannot be had; the error follows. */
  onFailedHead(head: ArrivedHead): void;
  /** `facts`: AT_PROXY, CLOSED_BY_PEER. `course`: how far it came, for `courseOf`. `thrown`: by the look-up of a name, which is why. */
  onError(
    kind: ErrorKind,
    code: string | undefined,
    message: string,
    facts: number,
    course: string,
    thrown?: Thrown,
  ): void;
  /** One of the others has thrown. This one must not. */
  onFault?(reason: unknown): void;
}

/** What is told to a call that makes connections beforehand. */
export interface ConnectionListener {
  onReady(): void;
  onRefusal(head: ArrivedHead): void;
  onError: Listener['onError'];
}

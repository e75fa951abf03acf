/** A file that the core has open for a download: locked, written by the core's disk threads, renamed once it is whole. */

import { bare } from '../../bare.js';
import { errorByKind, FileError } from '../../errors.js';
import { ACCESS_DENIED, accessDenied, mayWrite } from '../../permission.js';
import type { BodySink } from '../../response/body-source.js';
import * as native from './engine.js';
import type { FileHandle, FileHash } from '../../native.js';

/** What is in a file. */
export interface Written {
  readonly size: number;
  /** In lower-case hexadecimal; null when no hash was asked for. */
  readonly digest: string | null;
}

/** Where a whole file gets its real name. */
export interface Commit {
  target: string;
  /** null: the permissions that it was made with. */
  mode: number | null;
  /** A file of that name is an error. */
  exclusive: boolean;
  /** Its bytes are on the disk before it has the name. */
  fsync: boolean;
  /** A file that is removed at the same time. */
  note: string;
}

/** Every method rejects with FileError, whose path is the one that the caller gave. One call at a time. */
export class OpenFile implements BodySink {
  /** Bytes that were in it when it was opened. */
  size = 0;
  readonly path: string;
  #handle: FileHandle | null = null;

  private constructor(shownPath: string) {
    this.path = shownPath;
  }

  /**
   * Opens and locks a file; EBUSY while another download has it.
   *
   * @param shownPath The caller's name of it, for errors.
   * @param create Makes it where there is none, with `mode` (null: 0o666) less the umask.
   */
  static async open(path: string, shownPath: string, create: boolean, mode: number | null): Promise<OpenFile> {
    const file = new OpenFile(shownPath);
    file.#checkPermission(path);
    const { size } = await file.#call((id) => {
      file.#handle = native.openFile(id, path, create, mode);
    });
    file.size = size;
    return file;
  }

  /** The core's handle, for calls by which the core writes into the file. */
  get handle(): FileHandle {
    return this.#handle as FileHandle;
  }

  /** Keeps the first `offset` bytes; the rest of the file, which may have `limit` bytes in all, is written behind them. */
  async begin(offset: number, hash: FileHash | null, limit: number | null): Promise<void> {
    await this.#call((id) => this.handle.begin(id, offset, hash ?? undefined, limit ?? undefined));
  }

  async write(chunk: Buffer): Promise<void> {
    await this.#call((id) => this.handle.write(id, chunk));
  }

  /** Nothing more is written. */
  finish(): Promise<Written> {
    return this.#call((id) => this.handle.finish(id));
  }

  /** Gives it its real name, and closes it. */
  async commit({ target, mode, exclusive, fsync, note }: Commit): Promise<void> {
    this.#checkPermission(target);
    const options = bare({ target, mode: mode ?? undefined, exclusive, fsync, note });
    await this.#call((id) => this.handle.commit(id, options));
  }

  /** Removes it and `note`. */
  async discard(note: string): Promise<void> {
    await this.#call((id) => this.handle.discard(id, note));
  }

  /** After what is being written. What was written stays. Idempotent. */
  async close(): Promise<void> {
    await this.#call((id) => this.handle.close(id));
  }

  #checkPermission(file: string): void {
    if (mayWrite(file)) return;
    const cause = accessDenied('FileSystemWrite', file);
    throw new FileError(cause.message, { code: ACCESS_DENIED, path: this.path, cause });
  }

  #call(start: (id: number) => void): Promise<Written> {
    return native.callFile(start, (kind, code, message) =>
      kind === 'FileError' ? new FileError(message, { code, path: this.path }) : new errorByKind[kind](message),
    );
  }
}

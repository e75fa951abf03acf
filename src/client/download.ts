/**
 * Downloads: a response's body into a file, which has its name only when it is whole. The bytes are written by the core (see
 * `dispatch/network/open-file.ts`); here is decided which bytes of which answer the file is made of. What a broken download leaves
 * behind is in part-note.ts.
 */

import type { Stats } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import path from 'node:path';
import { OpenFile } from '../dispatch/network/open-file.js';
import { ChecksumMismatch, FileError, RemoteProtocolError, ResponseTooLarge } from '../errors.js';
import { requestFailure, traceToCaller } from '../request-failure.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { checkFileName, type DownloadSettings } from './download-options.js';
import type { Given, RequestOptions } from './options.js';
import type { PartNote } from './part-note.js';
import {
  askForRest,
  findPart,
  isWhole,
  NOTE_ENDING,
  noteOf,
  readNote,
  removeNote,
  restOf,
  writeNote,
} from './part-note.js';

/** What `client.download()` resolves with: the file, and the response that it came from. @since 0.1.0 */
export interface Download {
  /** The path of the file: as it was given, or within that folder as `fileName` named it. @since 0.1.0 */
  readonly path: string;
  /** The size of the whole file in bytes, those that were there before included. @since 0.1.0 */
  readonly size: number;
  /** Bytes that were there before, 0 when it was begun anew. @since 0.1.0 */
  readonly resumedFrom: number;
  /** In lower-case hexadecimal; null unless it was asked for by `checksum`. @since 0.1.0 */
  readonly sha256: string | null;
  /** Its body is in the file. null when nothing was sent, as the file was there. @since 0.1.0 */
  readonly response: Response | null;
}

/** How the client makes requests of a download. */
export interface Opener {
  build(options: Given<RequestOptions>): Request;
  /** Resolves at the head. */
  send(request: Request, options: Given<RequestOptions>): Promise<Response>;
}

/** What a request asked for: the rest of that content, or, with null, the whole. */
interface Wanted {
  note: PartNote | null;
  offset: number;
}

const WHOLE: Wanted = { note: null, offset: 0 };

export class Downloading {
  #given: string;
  /** Absolute, as the process may change its folder meanwhile. Until the response has named the file: the folder. */
  #path: string;
  #isNamed: boolean;
  #settings: DownloadSettings;
  #opener: Opener;
  #file: OpenFile | null = null;
  /** While the body comes: how many bytes of the file were there before, and how many it is to have. */
  #receiving: { offset: number; total: number | null } | null = null;
  /** The caller's own Range: what comes is part of something else. */
  #wantsRange = false;
  /** Of the file. */
  #mode: number | null;

  /** @param given The path. */
  constructor(given: string, settings: DownloadSettings, opener: Opener) {
    this.#given = given;
    this.#path = path.resolve(given);
    this.#isNamed = settings.fileName === null;
    this.#settings = settings;
    this.#mode = settings.mode;
    this.#opener = opener;
  }

  async run(): Promise<Download> {
    try {
      // Before anything is sent, so that what is wrong with the options is said first, too.
      const request = this.#build();
      this.#throwIfAborted();
      const { resume } = this.#settings;
      const mayResume = resume && request.method === 'GET' && request.body === null && !this.#wantsRange;
      if (!this.#isNamed && mayResume) {
        const name = await findPart(this.#path, request);
        if (name !== null) this.#name(name);
      }
      const skipped = this.#isNamed ? await this.#look() : await this.#lookAtFolder();
      if (skipped !== null) return skipped;
      return await this.#download(request, mayResume && this.#isNamed ? await this.#openPart(request) : WHOLE);
    } catch (error) {
      traceToCaller(error);
      throw error;
    } finally {
      // After a failure: the lock must be gone when the caller learns of it.
      await this.#file?.close();
    }
  }

  #build(): Request {
    const { request: options, resume } = this.#settings;
    const request = this.#opener.build(options);
    this.#wantsRange = request.headers.has('range');
    if (resume) request.headers.set('Accept-Encoding', 'identity');
    return request;
  }

  /** The file in the folder that was given. */
  #name(name: string): void {
    this.#given = path.join(this.#given, name);
    this.#path = path.join(this.#path, name);
    this.#isNamed = true;
  }

  /** Before anything is sent. @throws FileError */
  async #lookAtFolder(): Promise<null> {
    const found = await this.#stat(this.#path);
    if (found === null) throw this.#fault('ENOENT', 'the folder does not exist');
    if (!found.isDirectory()) throw this.#fault('ENOTDIR', 'it is no directory');
    await this.#checkFolder(this.#path);
    return null;
  }

  /** What is there already, and whether a file can be. @throws FileError */
  async #look(): Promise<Download | null> {
    if (this.#given.endsWith('/') || this.#given.endsWith(path.sep)) {
      throw this.#fault('EISDIR', 'it ends as a folder does');
    }
    const found = await this.#stat(this.#path);
    const folder = path.dirname(this.#path);
    if (found === null) {
      const parent = await this.#stat(folder);
      if (parent === null) throw this.#fault('ENOENT', 'the folder does not exist');
    } else {
      if (found.isDirectory()) throw this.#fault('EISDIR', 'it is a directory');
      if (!found.isFile()) throw this.#fault('EEXIST', 'it is no regular file');
      if (this.#settings.ifExists === 'fail') throw this.#fault('EEXIST', 'it exists already');
      if (this.#settings.ifExists === 'skip') {
        return { path: this.#given, size: found.size, resumedFrom: 0, sha256: null, response: null };
      }
      this.#mode ??= found.mode & 0o777;
    }
    await this.#checkFolder(folder);
    return null;
  }

  async #checkFolder(folder: string): Promise<void> {
    await access(folder, constants.W_OK | constants.X_OK).catch((cause: unknown) => {
      throw this.#failed(cause);
    });
  }

  async #stat(target: string): Promise<Stats | null> {
    try {
      return await stat(target);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw this.#failed(cause);
    }
  }

  /** What can be asked for: the part, and the note beside it, stay as they are from here on. */
  async #openPart(request: Request): Promise<Wanted> {
    try {
      this.#file = await this.#open(false);
    } catch (error) {
      if (error instanceof FileError && error.code === 'ENOENT') return WHOLE;
      throw error;
    }
    const { size } = this.#file;
    const note = size === 0 ? null : await readNote(this.#notePath, request);
    if (note === null) return WHOLE;
    // Of a part that has everything, one byte is asked for again: is it still the content?
    return { note, offset: note.total === null ? size : Math.min(size, note.total - 1) };
  }

  async #download(request: Request, wanted: Wanted): Promise<Download> {
    const { note, offset } = wanted;
    const isResuming = note !== null && offset > 0;
    if (isResuming) askForRest(request.headers, note, offset);
    this.#throwIfAborted();
    const response = await this.#opener.send(request, this.#sending());
    try {
      if (isResuming && response.statusCode === 206) {
        const size = restOf(response, note, offset);
        this.#checkSize(response, size);
        if (size === null || !(await this.#receive(response, offset, size))) return await this.#anew(response);
        return await this.#finish(response, offset);
      }
      if (isResuming && response.statusCode === 416) {
        if (!isWhole(response, note, offset)) return await this.#anew(response);
        await response.close();
        await this.#file?.begin(offset, this.#algorithm, this.#settings.maxSize);
        return await this.#finish(response, offset);
      }
      await this.#check(response);
      if (!this.#isNamed) {
        this.#name(checkFileName(this.#settings.fileName?.(response)));
        const skipped = await this.#look();
        if (skipped !== null) {
          await response.close();
          return skipped;
        }
      }
      await this.#receive(response, 0, null, request);
      return await this.#finish(response, 0);
    } catch (error) {
      await response.close();
      throw error;
    }
  }

  /** The server's answer is not the rest of what is there. */
  async #anew(response: Response): Promise<Download> {
    await response.close();
    return this.#download(this.#build(), WHOLE);
  }

  /** @throws HTTPStatusError; RemoteProtocolError for a part of the content that nothing asked for */
  async #check(response: Response): Promise<void> {
    if (!response.isSuccess && this.#settings.raiseForStatus) {
      // Its beginning stands in the message.
      await response.readAtMost(MAX_ERROR_BYTES).catch(() => response.close());
      response.raiseForStatus();
      // A hook's response that is not the last one.
      throw this.#protocolError(response, `the status is ${response.statusCode}`);
    }
    if (response.statusCode === 206 && !this.#wantsRange) {
      throw this.#protocolError(response, 'the server sent a part of the content (206), and was asked for the whole');
    }
    this.#checkSize(response, response.headers.has('content-encoding') ? null : response.declaredLength);
  }

  /** @throws ResponseTooLarge when it is known beforehand */
  #checkSize(response: Response, length: number | null): void {
    const { maxSize } = this.#settings;
    if (maxSize !== null && length !== null && length > maxSize) {
      const message = `the download is larger than maxSize (${maxSize} bytes): the server declares ${length} bytes`;
      throw requestFailure(ResponseTooLarge, message, { request: response.request, response });
    }
  }

  /**
   * Writes the body behind the first `offset` bytes.
   *
   * @param size What the file must have then; null: what comes.
   * @param request Of a whole content: its note is written.
   * @returns Whether it had that size.
   */
  async #receive(response: Response, offset: number, size: number | null, request?: Request): Promise<boolean> {
    const file = (this.#file ??= await this.#open(true));
    // What the note says must never be said of other bytes, wherever the process is killed.
    if (offset === 0) await this.#noting(() => removeNote(this.#notePath));
    await file.begin(offset, this.#algorithm, size ?? this.#settings.maxSize);
    const note = request === undefined || this.#wantsRange ? null : noteOf(request, response);
    if (note !== null) await this.#noting(() => writeNote(this.#notePath, note));
    this.#throwIfAborted();
    this.#receiving = { offset, total: size ?? response.declaredLength };
    try {
      await response.saveTo(file);
    } catch (error) {
      // More than its Content-Range says.
      if (size !== null && error instanceof ResponseTooLarge) return false;
      // The core's error of a file knows no request.
      if (error instanceof ResponseTooLarge && error.request === undefined) error.request = response.request;
      throw error;
    } finally {
      this.#receiving = null;
    }
    return size === null || offset + response.numBytesDownloaded === size;
  }

  async #finish(response: Response, resumedFrom: number): Promise<Download> {
    const file = this.#file as OpenFile;
    const { size, digest } = await file.finish();
    const { checksum, ifExists, fsync } = this.#settings;
    if (checksum !== null && digest !== checksum.expected) {
      await file.discard(this.#notePath);
      const message = `the ${checksum.algorithm} of what was downloaded is ${digest}, expected ${checksum.expected}`;
      const details = { request: response.request, response };
      const located = `${response.request.method} ${response.request.url.origin}${response.request.url.path}: ${message}`;
      throw new ChecksumMismatch(located, checksum.expected, digest ?? '', details);
    }
    this.#throwIfAborted();
    const exclusive = ifExists === 'fail';
    await file.commit({ target: this.#path, mode: this.#mode, exclusive, fsync, note: this.#notePath });
    const sha256 = checksum?.algorithm === 'sha256' ? digest : null;
    return { path: this.#given, size, resumedFrom, sha256, response };
  }

  #open(create: boolean): Promise<OpenFile> {
    return OpenFile.open(`${this.#path}.part`, this.#given, create, this.#mode);
  }

  get #notePath(): string {
    return `${this.#path}${NOTE_ENDING}`;
  }

  get #algorithm(): 'sha256' | 'sha512' | null {
    return this.#settings.checksum?.algorithm ?? null;
  }

  /** Progress is told of the file, not of the response. */
  #sending(): Given<RequestOptions> {
    const { onDownloadProgress } = this.#settings.request;
    const tell = (received: number): unknown => {
      const at = this.#receiving;
      return at === null ? undefined : onDownloadProgress?.(at.offset + received, at.total);
    };
    return Object.assign(Object.create(null) as Given<RequestOptions>, this.#settings.request, {
      onDownloadProgress: typeof onDownloadProgress === 'function' ? tell : undefined,
    });
  }

  #throwIfAborted(): void {
    const { signal } = this.#settings.request;
    if (signal?.aborted) throw signal.reason;
  }

  async #noting(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (cause) {
      throw this.#failed(cause);
    }
  }

  #protocolError(response: Response, message: string): RemoteProtocolError {
    return requestFailure(RemoteProtocolError, message, { request: response.request, response });
  }

  #fault(code: string, why: string): FileError {
    return new FileError(`cannot write ${JSON.stringify(this.#given)}: ${why}`, { code, path: this.#given });
  }

  /** What Node's fs said. */
  #failed(cause: unknown): FileError {
    const { code = 'EIO' } = cause as NodeJS.ErrnoException;
    const message = `cannot write ${JSON.stringify(this.#given)}: ${cause instanceof Error ? cause.message : code}`;
    return new FileError(message, { code, path: this.#given, cause });
  }
}

/** Of the body of an error's response. */
const MAX_ERROR_BYTES = 64 * 1024;

/**
 * Content decoding of bodies that are in this process already: a Response made by hand, an app's answer. The network's are
 * decoded below, on the I/O thread. Which codings there are is known to the core (crates/core/src/decode.rs).
 */

import type { Abortion, BodySource } from './body-source.js';
import type { ErrorDetails, HTTPError } from '../errors.js';
import { requestFailure } from '../request-failure.js';
import { DecodingError } from '../errors.js';
import type { Decoder } from '../native.js';
import { addon } from '../native.js';
import { ownJoin } from '../own-memory.js';

/**
 * The whole of a body, decoded.
 * @throws DecodingError
 */
export function decodeWhole(content: Buffer, contentEncoding: string, details: ErrorDetails): Buffer {
  if (content.length === 0) return content;
  return translating(details, () => {
    const decoder = new (addon().Decoder)(contentEncoding);
    if (!decoder.decodes) return content;
    decoder.write(content);
    decoder.end();
    const pieces: Buffer[] = [];
    for (let piece = decoder.read(); piece !== null; piece = decoder.read()) pieces.push(piece);
    return pieces.length === 1 ? pieces[0] : ownJoin(pieces);
  });
}

/** A source whose pieces are decoded as they are asked for, unless its first reader wants them raw. */
export class DecodingSource implements BodySource {
  #source: BodySource;
  #contentEncoding: string;
  #details: ErrorDetails;
  /** null: pieces pass as they are. */
  #decoder: Decoder | null | undefined;
  #ended = false;

  constructor(source: BodySource, contentEncoding: string, details: ErrorDetails) {
    this.#source = source;
    this.#contentEncoding = contentEncoding;
    this.#details = details;
  }

  async read(raw: boolean): Promise<Buffer | null> {
    if (this.#decoder === undefined) this.#decoder = this.#choose(raw);
    const decoder = this.#decoder;
    if (decoder === null) return this.#source.read(raw);
    const decoded = translating(this.#details, () => decoder.read());
    if (decoded !== null || this.#ended) return decoded;
    const piece = await this.#source.read(true);
    if (piece === null) {
      this.#ended = true;
      decoder.end();
    } else {
      decoder.write(piece);
    }
    const first = translating(this.#details, () => decoder.read());
    // An empty piece says that there may be more: only the end is null.
    return first ?? (this.#ended ? null : NOTHING_YET);
  }

  abortion(): Abortion | null {
    return this.#source.abortion?.() ?? null;
  }

  cancel(): void {
    this.#source.cancel();
  }

  get received(): number {
    return this.#source.received;
  }

  get trailers(): BodySource['trailers'] {
    return this.#source.trailers;
  }

  get elapsed(): number | null {
    return this.#source.elapsed;
  }

  #choose(raw: boolean): Decoder | null {
    if (raw) return null;
    const decoder = translating(this.#details, () => new (addon().Decoder)(this.#contentEncoding));
    return decoder.decodes ? decoder : null;
  }
}

/** What the core throws, as the class that users know. */
function translating<T>(details: ErrorDetails, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const { code, message } = error as HTTPError;
    throw code === 'DecodingError' ? requestFailure(DecodingError, message, details) : error;
  }
}

const NOTHING_YET = Buffer.alloc(0);

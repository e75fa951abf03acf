/** Putting a body together from its pieces, where that is done in JavaScript: of apps and of responses made by hand. */

import { ownJoin } from '../own-memory.js';

/** Pieces of a body in which ever so many small ones take little more memory than their bytes. */
export class GatheredBytes {
  length = 0;
  #pieces: Buffer[] = [];
  /** Small ones at the end of the pieces. */
  #small = 0;

  push(piece: Buffer): void {
    this.length += piece.length;
    this.#pieces.push(piece);
    this.#small = piece.length < MAX_SMALL_BYTES ? this.#small + 1 : 0;
    if (this.#small < MANY) return;
    this.#pieces.push(ownJoin(this.#pieces.splice(-MANY)));
    this.#small = 0;
  }

  join(): Buffer {
    return this.#pieces.length === 1 ? this.#pieces[0] : ownJoin(this.#pieces);
  }
}

/** A Buffer takes about 100 bytes besides its own. */
const MAX_SMALL_BYTES = 1024;
const MANY = 1024;

/**
 * Bytes or text that wait for the end of what they begin: joined once, so that a long line costs no quadratic copying, and kept in few
 * pieces, so that a million of one byte cost no hundred million.
 */

class HeldPieces<T extends Buffer | string> {
  size = 0;
  #join: (pieces: T[]) => T;
  #pieces: T[] = [];
  /** How many of the last pieces are as they came. */
  #loose = 0;

  constructor(join: (pieces: T[]) => T) {
    this.#join = join;
  }

  hold(piece: T): void {
    this.size += piece.length;
    this.#pieces.push(piece);
    if (++this.#loose < MAX_LOOSE_COUNT) return;
    this.#pieces.push(this.#join(this.#pieces.splice(-MAX_LOOSE_COUNT)));
    this.#loose = 0;
  }

  /** What was held, and this behind it; nothing is held from then on. */
  take(piece: T): T {
    if (this.size === 0) return piece;
    this.#pieces.push(piece);
    const whole = this.#join(this.#pieces);
    this.#pieces = [];
    this.size = this.#loose = 0;
    return whole;
  }
}

export class HeldBytes extends HeldPieces<Buffer> {
  constructor() {
    super((pieces) => Buffer.concat(pieces));
  }
}

export class HeldText extends HeldPieces<string> {
  constructor() {
    super((pieces) => pieces.join(''));
  }
}

/** Bytes, or characters: what still fits into a string, with room to spare. */
export const MAX_HELD_SIZE = 256 * 1024 * 1024;
const MAX_LOOSE_COUNT = 1024;

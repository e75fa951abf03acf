/**
 * Bytes that wait for the end of what they begin: joined once, so that a long line costs no quadratic copying, and kept in few pieces,
 * so that a million of one byte cost no hundred million.
 */

export class HeldBytes {
  size = 0;
  #pieces: Buffer[] = [];
  /** How many of the last pieces are as they came. */
  #loose = 0;

  hold(bytes: Buffer): void {
    this.size += bytes.length;
    this.#pieces.push(bytes);
    if (++this.#loose < MAX_LOOSE_COUNT) return;
    this.#pieces.push(Buffer.concat(this.#pieces.splice(-MAX_LOOSE_COUNT)));
    this.#loose = 0;
  }

  /** What was held, and these bytes behind it; nothing is held from then on. */
  take(bytes: Buffer): Buffer {
    if (this.size === 0) return bytes;
    this.#pieces.push(bytes);
    const whole = Buffer.concat(this.#pieces);
    this.#pieces = [];
    this.size = this.#loose = 0;
    return whole;
  }
}

const MAX_LOOSE_COUNT = 1024;

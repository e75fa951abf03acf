/**
 * Buffers with memory of their own. Node cuts small ones (`Buffer.from`, `Buffer.concat`) out of a pool that the whole process shares:
 * through `buffer` each of them shows the others, credentials among them, and takes them along when it is transferred. So what is given
 * to a user, and what holds a secret, is made here.
 */

/** A copy of bytes that others know. */
export function ownCopy(bytes: Uint8Array): Buffer {
  const own = Buffer.allocUnsafeSlow(bytes.length);
  own.set(bytes);
  return own;
}

/** Text as bytes. */
export function ownText(text: string, encoding: BufferEncoding = 'utf8'): Buffer {
  const own = Buffer.allocUnsafeSlow(Buffer.byteLength(text, encoding));
  own.write(text, encoding);
  return own;
}

/** Pieces as one. */
export function ownJoin(pieces: readonly Uint8Array[]): Buffer {
  const own = Buffer.allocUnsafeSlow(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    own.set(piece, at);
    at += piece.length;
  }
  return own;
}

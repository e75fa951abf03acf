/** Bodies whose every byte counts: what is lost, doubled or out of order changes the digest. */
import { createCipheriv, createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What `GET /small` is answered with. */
export const SMALL = '{"small":true}\n';

/** What `GET /large` is answered with. */
export const LARGE_BYTES = 64 * 1024 * 1024;

export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** So many bytes that do not repeat, the same each time. */
export function content(bytes: number): Buffer {
  return createCipheriv('aes-128-ctr', Buffer.alloc(16, 1), Buffer.alloc(16, 2)).update(Buffer.alloc(bytes));
}

/** `bytes` in pieces of uneven sizes, as a producer has them. */
export async function* inPieces(bytes: Buffer): AsyncGenerator<Buffer> {
  const sizes = [1, 70_000, 16_384, 300_001];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const size = sizes[turn % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

/** Of bytes, or of pieces as they come. */
export async function digest(body: Buffer | AsyncIterable<Uint8Array>): Promise<Digest> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const piece of Buffer.isBuffer(body) ? [body] : body) {
    hash.update(piece);
    bytes += piece.length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

let largeBody: Buffer | undefined;
/** The body of `GET /large`. */
export function large(): Buffer {
  return (largeBody ??= content(LARGE_BYTES));
}

let folder: string | undefined;
/** A folder with the files `small` and `large`, for peers that serve files; it goes with this process. */
export function documentRoot(): string {
  if (folder === undefined) {
    const made = mkdtempSync(path.join(tmpdir(), 'whippet-interop-files-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    // Servers started by root drop their privileges and read it as another user.
    chmodSync(made, 0o755);
    writeFileSync(path.join(made, 'small'), SMALL);
    writeFileSync(path.join(made, 'large'), large());
    folder = made;
  }
  return folder;
}

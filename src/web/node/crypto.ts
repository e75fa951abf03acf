/** Of `node:crypto`: what boundaries, cookies and Digest need. The platform's own hashes are asynchronous and know no MD5. */

import { md5, sha1 } from '@noble/hashes/legacy.js';
import { sha256, sha512, sha512_256 } from '@noble/hashes/sha2.js';
import { Buffer } from 'buffer/';
import { absent } from '../absent.js';

export function randomBytes(size: number): Buffer {
  return Buffer.from(globalThis.crypto.getRandomValues(new Uint8Array(size)));
}

export const randomUUID = (): string => globalThis.crypto.randomUUID();

const hashes: Readonly<Record<string, typeof sha256 | typeof sha512 | typeof md5>> = {
  __proto__: null as never,
  md5,
  sha1,
  sha256,
  sha512,
  'sha512-256': sha512_256,
};

export function createHash(name: string): Hash {
  const hash = hashes[name.toLowerCase()];
  if (hash === undefined) throw new Error(`node:crypto createHash: this platform has no ${name}`);
  return new Hash(hash.create());
}

interface State {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

class Hash {
  #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  update(data: string | Uint8Array): this {
    this.#state.update(typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data));
    return this;
  }

  digest(encoding: BufferEncoding): string {
    return Buffer.from(this.#state.digest()).toString(encoding);
  }
}

export const X509Certificate = absent('node:crypto X509Certificate');
export const createPrivateKey = absent('node:crypto createPrivateKey');

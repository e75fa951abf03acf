/**
 * Certificates as a user gives them: PEM text, DER bytes, or a path to either. Whom they vouch for is the core's work; the client's
 * own certificate with its key is `client-certificate.ts`.
 */

import { createHash, X509Certificate } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { types } from 'node:util';
import { quote, typeName } from '../shown-text.js';
import type { CertificateTypes } from '../types.js';
import { bare } from '../bare.js';

/**
 * DER certificates, at least one. A path may name a file, or a directory whose files are read.
 *
 * @param option Its name, for the message.
 * @throws TypeError naming the option, what was given and what is wrong with it
 */
export function readCertificates(option: string, given: CertificateTypes | readonly CertificateTypes[]): Uint8Array[] {
  const list: readonly CertificateTypes[] = Array.isArray(given) ? given : [given as CertificateTypes];
  const certificates = list.length === 1 ? readOne(option, list[0]) : list.flatMap((one) => readOne(option, one));
  if (certificates.length === 0) throw new TypeError(`${option}: no certificate was given`);
  return certificates;
}

function readOne(option: string, given: CertificateTypes): Uint8Array[] {
  if (typeof given === 'string') {
    if (given.includes('-----BEGIN')) return decode(option, Buffer.from(given), 'the PEM text');
    checkPath(option, given);
    return readPath(option, given);
  }
  if (types.isUint8Array(given)) return decode(option, Buffer.from(given), 'the bytes');
  throw new TypeError(`${option}: expected a boolean, PEM text, DER bytes or a path, got ${typeName(given)}`);
}

/**
 * Refuses a long text that names no file and does not look like a path. It is most likely a key without its PEM lines, as base64, hex or
 * JSON, also where a certificate is expected: "no such file" would show it in a log.
 */
export function checkPath(option: string, given: string): void {
  if (given.length < MIN_SECRET_LENGTH || PATH_LIKE.test(given) || existsSync(given)) return;
  throw new TypeError(`${option}: expected PEM text, DER bytes or a path; this text is none of them`);
}

function readPath(option: string, given: string): Uint8Array[] {
  return reading(option, given, () =>
    statSync(given).isDirectory() ? readFolder(option, given) : readFile(option, given),
  );
}

/**
 * The certificates of one file that a variable names. A pipe or a device could be read for ever: those are for options, which the program
 * itself gives.
 */
export function readCertificateFile(option: string, file: string): Uint8Array[] {
  return reading(option, file, () => {
    const found = statSync(file);
    if (!found.isFile() && !found.isDirectory()) throw new TypeError(`${option}: ${quote(file)} is no regular file`);
    if (found.size > MAX_FILE_BYTES) {
      throw new TypeError(`${option}: ${quote(file)} is larger than ${MAX_FILE_BYTES} bytes`);
    }
    return readFile(option, file);
  });
}

/** The certificates of a directory's files; what is neither PEM nor there (a link to nowhere) is passed over. */
export function readCertificateFolder(option: string, folder: string): Uint8Array[] {
  return reading(option, folder, () => readFolder(option, folder));
}

/** One that has not changed since it was read is not read again: a variable names it for every client that is made. */
function readFile(option: string, file: string): Uint8Array[] {
  const { dev, ino, size, mtimeNs, ctimeNs, ctimeMs } = statSync(file, bare({ bigint: true as const }));
  const state = `${dev} ${ino} ${size} ${mtimeNs} ${ctimeNs}`;
  const known = files.get(file);
  if (known?.state === state) return known.certificates;
  const certificates = decode(option, readFileSync(file, AS_BYTES), quote(file));
  // A file changed just now may change again within the same tick of its clock.
  if (Date.now() - Number(ctimeMs) > 1000) keep(files, file, { state, certificates });
  return certificates;
}

function readFolder(option: string, folder: string): Uint8Array[] {
  const found = new Map<string, Uint8Array>();
  for (const name of readdirSync(folder, AS_NAMES)) {
    const file = path.join(folder, name);
    const is = statSync(file, bare({ throwIfNoEntry: false as const }));
    if (!is?.isFile()) continue;
    const bytes = readFileSync(file, AS_BYTES);
    if (!bytes.includes('-----BEGIN CERTIFICATE')) continue;
    // Such folders have each certificate twice, by its name and by its hash.
    for (const one of decode(option, bytes, quote(file))) found.set((one as Buffer).toString('latin1'), one);
  }
  if (found.size === 0) throw new TypeError(`${option}: ${quote(folder)} holds no certificate`);
  return [...found.values()];
}

/** What goes wrong with the file system is said in terms of the option. */
function reading<T>(option: string, file: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TypeError && !('code' in cause)) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new TypeError(`${option}: cannot read certificates from ${quote(file)}: ${code}`, { cause });
  }
}

/** The same bytes are parsed once, however many clients are made from them. */
function decode(option: string, bytes: Buffer, where: string): Uint8Array[] {
  const digest = createHash('sha256').update(bytes).digest('base64');
  let certificates = decoded.get(digest);
  if (certificates === undefined) {
    certificates = parse(option, bytes, where);
    keep(decoded, digest, certificates);
  }
  return certificates;
}

function parse(option: string, bytes: Buffer, where: string): Uint8Array[] {
  const one = (der: Uint8Array | string) => {
    try {
      return new X509Certificate(der).raw;
    } catch (cause) {
      throw new TypeError(`${option}: ${where} holds no valid certificate`, { cause });
    }
  };
  if (!bytes.includes('-----BEGIN')) return [one(bytes)];
  const text = bytes.toString('latin1');
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const begun = text.match(/-----BEGIN CERTIFICATE-----/g)?.length ?? 0;
  if (begun === 0) throw new TypeError(`${option}: ${where} has no 'BEGIN CERTIFICATE' block`);
  if (begun > blocks.length) throw new TypeError(`${option}: ${where} has a 'BEGIN CERTIFICATE' block without its end`);
  // A bundle has some 150, and OpenSSL takes half a millisecond for each: the core reads them again, and leaves out what is none.
  return blocks.map(blocks.length > FEW_COUNT ? (block) => derOf(block) ?? one(block) : one);
}

/** What is between the lines of PEM, where that is one sequence that begins with another, as a certificate does (RFC 5280 §4.1). */
function derOf(pem: string): Uint8Array | null {
  const lines = pem.slice('-----BEGIN CERTIFICATE-----'.length, -'-----END CERTIFICATE-----'.length);
  const der = Buffer.from(lines, 'base64');
  const sizeLength = der.length > 4 && der[0] === 0x30 && der[1]! > 0x80 && der[1]! <= 0x83 ? der[1]! & 0x7f : 0;
  if (sizeLength === 0 || der.readUIntBE(2, sizeLength) + 2 + sizeLength !== der.length) return null;
  return der[2 + sizeLength] === 0x30 ? der : null;
}

function keep<T>(kept: Map<string, T>, key: string, value: T): void {
  const [oldest] = kept.keys();
  if (kept.size >= MAX_KEPT_COUNT && oldest !== undefined) kept.delete(oldest);
  kept.set(key, value);
}

/** Ed25519's seed is 43 characters of base64. */
const MIN_SECRET_LENGTH = 40;
/** It begins as a path does, or ends in a file name's extension. */
const PATH_LIKE = /^(?:[./~]|[A-Za-z]:[\\/])|\.\w{1,8}$/;
/** Eighty times what the authorities of a platform take. */
const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** By the SHA-256 of what they were read from, the oldest first. */
const decoded = new Map<string, Uint8Array[]>();
/** By path, the oldest first. */
const files = new Map<string, { state: string; certificates: Uint8Array[] }>();
const MAX_KEPT_COUNT = 512;
/** So many certificates in one text are each looked at by OpenSSL, and an invalid one is an error at once. */
const FEW_COUNT = 8;
/** What Node would look up in Object.prototype otherwise. */
const AS_BYTES = Object.freeze(bare({ encoding: null, flag: 'r' }));
const AS_NAMES = Object.freeze(bare({ encoding: 'utf8' as const, withFileTypes: false as const, recursive: false }));

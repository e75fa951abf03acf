/** Certificates as a user gives them: PEM text, DER bytes, or a path to either. Whom they vouch for is the core's work. */

import { X509Certificate } from 'node:crypto';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { quote, typeName } from './errors.js';
import type { CertificateTypes } from './types.js';

/**
 * DER certificates, at least one. A path may name a file, or a directory whose files are read.
 *
 * @param option Its name, for the message.
 * @throws TypeError naming the option, what was given and what is wrong with it
 */
export function readCertificates(option: string, given: CertificateTypes | readonly CertificateTypes[]): Uint8Array[] {
  const list: readonly CertificateTypes[] = Array.isArray(given) ? given : [given as CertificateTypes];
  const certificates = list.flatMap((one) => readOne(option, one));
  if (certificates.length === 0) throw new TypeError(`${option}: no certificate was given`);
  return certificates;
}

function readOne(option: string, given: CertificateTypes): Uint8Array[] {
  if (typeof given === 'string') {
    if (given.includes('-----BEGIN')) return decode(option, Buffer.from(given), 'the PEM text');
    return readFiles(option, given);
  }
  if (given instanceof Uint8Array) return decode(option, Buffer.from(given), 'the bytes');
  throw new TypeError(`${option}: expected a boolean, PEM text, DER bytes or a path, got ${typeName(given)}`);
}

function readFiles(option: string, file: string): Uint8Array[] {
  try {
    if (!statSync(file).isDirectory()) return decode(option, readFileSync(file), quote(file));
    const names = readdirSync(file, { withFileTypes: true }).filter((entry) => !entry.isDirectory());
    return names.flatMap(({ name }) => {
      const bytes = readFileSync(path.join(file, name));
      return bytes.includes('-----BEGIN CERTIFICATE') ? decode(option, bytes, quote(path.join(file, name))) : [];
    });
  } catch (cause) {
    if (cause instanceof TypeError && !('code' in cause)) throw cause;
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new TypeError(`${option}: cannot read certificates from ${quote(file)}: ${code}`, { cause });
  }
}

function decode(option: string, bytes: Buffer, where: string): Uint8Array[] {
  const parse = (der: Uint8Array | string) => {
    try {
      return new X509Certificate(der).raw;
    } catch (cause) {
      throw new TypeError(`${option}: ${where} holds no valid certificate`, { cause });
    }
  };
  if (!bytes.includes('-----BEGIN')) return [parse(bytes)];
  const blocks = bytes.toString('latin1').match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0) throw new TypeError(`${option}: ${where} has no 'BEGIN CERTIFICATE' block`);
  return blocks.map(parse);
}

/**
 * The client's own certificate and its private key, for mutual TLS. Reading certificates is `certificates.ts`; the handshake is the
 * core's. No message here shows a key or a password.
 */

import { createPrivateKey, type KeyObject, type PrivateKeyInput, X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { types } from 'node:util';
import { checkPath, readCertificates } from './certificates.js';
import { quote, typeName } from '../shown-text.js';
import { checkOptions } from '../check-options.js';
import type { CertificateTypes, ClientCertificateOptions } from '../types.js';
import { ownCopy, ownText } from '../own-memory.js';
import { bare } from '../bare.js';

/** As the core takes it. */
export interface ClientCertificate {
  /** DER; the one of the key first. */
  chain: Uint8Array[];
  /** PKCS#8, DER. */
  key: Uint8Array;
}

/**
 * Reads both, decrypts the key, and sees that they belong together.
 *
 * @throws TypeError naming the option
 */
export function readClientCertificate(given: ClientCertificateOptions): ClientCertificate {
  if (given === null || typeof given !== 'object' || Array.isArray(given) || types.isUint8Array(given)) {
    throw new TypeError(`cert: expected an object with cert and key, got ${typeName(given)}`);
  }
  if (Object.hasOwn(given, 'pfx')) {
    const convert = 'openssl pkcs12 -in client.p12 -nodes -out client.pem';
    const use = "cert: { cert: 'client.pem', key: 'client.pem' }";
    throw new TypeError(`cert.pfx: PKCS#12 is not read here; make PEM of it, \`${convert}\`, and give ${use}`);
  }
  checkOptions(given, OPTION_NAMES, 'cert');
  const { cert, key, password } = { __proto__: null, ...given } as ClientCertificateOptions;
  for (const [option, value] of Object.entries({ 'cert.cert': cert, 'cert.key': key })) {
    if (value === undefined || value === null) throw new TypeError(`${option}: is missing`);
    if (typeof value !== 'string' && !types.isUint8Array(value)) {
      throw new TypeError(`${option}: expected PEM text, DER bytes or a path, got ${typeName(value)}`);
    }
  }
  if (password !== undefined && password !== null && typeof password !== 'string') {
    throw new TypeError(`cert.password: expected a string, got ${typeName(password)}`);
  }
  if (typeof cert === 'string' && !cert.includes('-----BEGIN') && isFolder(cert)) {
    throw new TypeError(`cert.cert: ${quote(cert)} is a directory`);
  }
  const chain = readCertificates('cert.cert', cert);
  const privateKey = readKey(key, password ?? undefined);
  checkSupported(privateKey);
  if (!new X509Certificate(chain[0]).checkPrivateKey(privateKey)) {
    throw new TypeError('cert: the key does not belong to the certificate (the client’s own has to be the first)');
  }
  return { chain, key: privateKey.export({ type: 'pkcs8', format: 'der' }) };
}

function isFolder(file: string): boolean {
  try {
    return statSync(file).isDirectory();
  } catch {
    return false;
  }
}

function readKey(given: CertificateTypes, password: string | undefined): KeyObject {
  const bytes = keyBytes(given);
  const block = PEM_KEY.exec(bytes.toString('latin1'))?.[0];
  if (block === undefined && bytes.includes('-----BEGIN')) {
    throw new TypeError("cert.key: there is no 'BEGIN … PRIVATE KEY' block in it");
  }
  const attempts: PrivateKeyInput[] =
    block !== undefined
      ? [{ key: block, format: 'pem' }]
      : (['pkcs8', 'pkcs1', 'sec1'] as const).map((type) => ({ key: bytes, format: 'der', type }));
  let first: NodeJS.ErrnoException | undefined;
  for (const attempt of attempts) {
    try {
      return createPrivateKey(bare({ ...attempt, passphrase: password }));
    } catch (error) {
      first ??= error as NodeJS.ErrnoException;
    }
  }
  const code = first?.code ?? 'unknown';
  const encrypted = block !== undefined && PEM_ENCRYPTED.test(block);
  if (code === 'ERR_MISSING_PASSPHRASE' || (encrypted && password === undefined)) {
    throw new TypeError('cert.password: is missing, and the key is encrypted', { cause: first });
  }
  if (password !== undefined && (encrypted || code.includes('DECRYPT'))) {
    const why =
      code === 'ERR_OSSL_UNSUPPORTED' ? 'the key’s encryption is not supported' : 'the key does not open with it';
    throw new TypeError(`cert.password: ${why} (${code})`, { cause: first });
  }
  throw new TypeError(`cert.key: it holds no valid private key (${code})`, { cause: first });
}

function keyBytes(given: CertificateTypes): Buffer {
  if (typeof given !== 'string') return ownCopy(given);
  if (given.includes('-----BEGIN')) return ownText(given);
  checkPath('cert.key', given);
  try {
    return readFileSync(given, bare({ encoding: null, flag: 'r' }));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new TypeError(`cert.key: cannot read a key from ${quote(given)}: ${code}`, { cause });
  }
}

/** What rustls can sign with. */
function checkSupported(key: KeyObject): void {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  if (type === 'ed25519') return;
  if (type === 'ec' && CURVES.has(details?.namedCurve ?? '')) return;
  const bits = details?.modulusLength ?? 0;
  if (type === 'rsa' && bits >= 2048 && bits <= 8192) return;
  const what = type === 'rsa' ? `RSA of ${bits} bits` : [type, details?.namedCurve].filter(Boolean).join(' ');
  throw new TypeError(
    `cert.key: ${what} is not supported, expected RSA (2048 to 8192 bits), P-256, P-384, P-521 or Ed25519`,
  );
}

const OPTION_NAMES = ['cert', 'key', 'password'];
const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const PEM_KEY = /-----BEGIN ((?:[A-Z0-9]+ )*PRIVATE KEY)-----[\s\S]*?-----END \1-----/;
const PEM_ENCRYPTED = /^-----BEGIN ENCRYPTED |^Proc-Type: 4,ENCRYPTED/m;

/** Certificates made on the spot: authorities, leaves, and everything that can be wrong with them. */
import { createSign, webcrypto } from 'node:crypto';
import type { Extension, PublicKey } from '@peculiar/x509';

// tsyringe, underneath x509, does not load without these; no metadata is used.
Object.assign(Reflect, { getMetadata: () => undefined, getOwnMetadata: () => undefined });
const x509 = await import('@peculiar/x509');
x509.cryptoProvider.set(webcrypto);

type Keys = webcrypto.CryptoKeyPair;

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
const keyAlgorithms = {
  'P-256': algorithm,
  'P-384': { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-256' },
  RSA: { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
  'RSA-1024': {
    name: 'RSASSA-PKCS1-v1_5',
    modulusLength: 1024,
    publicExponent: new Uint8Array([1, 0, 1]),
    hash: 'SHA-256',
  },
  Ed25519: { name: 'Ed25519' },
} as const;
const day = 24 * 60 * 60 * 1000;

/** A certificate and its key, both PEM, as `node:tls` and whippet's `cert` take them. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
  /** The certificate followed by those between it and the root: what a server sends. */
  readonly chain: string;
}

export interface CertificateOptions {
  /** Default `['localhost']` when no `ips` are given either. */
  dnsNames?: readonly string[];
  /** Default `['127.0.0.1', '::1']` when no `dnsNames` are given either. */
  ips?: readonly string[];
  /** Default yesterday. */
  notBefore?: Date;
  /** Default in thirty days. */
  notAfter?: Date;
  /** Default `CN=` and the first name. */
  subject?: string;
  /** Of the certificate's own key. Default P-256. */
  keys?: keyof typeof keyAlgorithms;
  /** Besides the usual ones. */
  extensions?: readonly Extension[];
}

/** A certificate authority. `cert` is what a client trusts. */
export interface CA {
  readonly cert: string;
  readonly key: string;
  issue(options?: CertificateOptions): Promise<Identity>;
  /** An authority below this one; what it issues carries it in `chain`. */
  intermediate(subject?: string, extensions?: readonly Extension[]): Promise<CA>;
  /** A certificate of another authority's name and key. */
  vouchFor(other: CA): Promise<string>;
}

/** Makes an authority. */
export async function makeCA(subject = 'CN=Whippet Test CA'): Promise<CA> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subject,
    keys,
    signingAlgorithm: algorithm,
    ...validity({}),
    extensions: authorityExtensions(),
  });
  return authority(subject, certificate.toString('pem'), keys, '');
}

let shared: Promise<CA> | undefined;
/** The authority of this process, made once: for tests that need some trusted certificate and no particular one. */
export function testCA(): Promise<CA> {
  shared ??= makeCA();
  return shared;
}

/** A certificate that vouches for itself. */
export async function selfSigned(options: CertificateOptions = {}): Promise<Identity> {
  const keys = await makeKeys(options.keys);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: subjectOf(options),
    keys,
    signingAlgorithm: keyAlgorithms[options.keys ?? 'P-256'],
    ...validity(options),
    extensions: [namesOf(options), ...(options.extensions ?? [])],
  });
  const cert = certificate.toString('pem');
  return { cert, key: await exportKey(keys), chain: cert };
}

/** As `openssl x509 -req -signkey` makes it: self-signed, of version 1, so without names or other extensions. */
export async function versionOne(): Promise<Identity> {
  const keys = await makeKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=localhost',
    keys,
    signingAlgorithm: algorithm,
    ...validity({}),
  });
  const [signed, signatureAlgorithm] = children(Buffer.from(certificate.rawData));
  // The version is [0], the extensions are [3].
  const parts = children(signed!).filter((part) => part[0] !== 0xa0 && part[0] !== 0xa3);
  const unsigned = wrap(0x30, Buffer.concat(parts));
  const ecdsa = createSign('sha256')
    .update(unsigned)
    .sign(await exportKey(keys));
  const bits = wrap(0x03, Buffer.concat([Buffer.from([0]), ecdsa]));
  const der = wrap(0x30, Buffer.concat([unsigned, signatureAlgorithm!, bits]));
  const cert = pem('CERTIFICATE', der);
  return { cert, key: await exportKey(keys), chain: cert };
}

/** A critical extension that no verifier knows. */
export function unknownCritical(): Extension {
  return new x509.Extension('1.3.6.1.4.1.99999.1', true, Buffer.from([5, 0]));
}

/** What `openssl req -x509` adds to a self-signed certificate: it says that it is an authority's. */
export function isAuthority(): Extension {
  return new x509.BasicConstraintsExtension(true, undefined, true);
}

/** RFC 5280 §4.2.1.10: an authority that may speak for this domain only. */
export function permittedDomain(name: string): Extension {
  const dns = Buffer.from(name, 'latin1');
  const der = wrap(0x30, wrap(0xa0, wrap(0x30, wrap(0x82, dns))));
  return new x509.Extension('2.5.29.30', true, der);
}

/** Options for a certificate that expired yesterday. */
export const expired: CertificateOptions = {
  notBefore: new Date(Date.now() - 30 * day),
  notAfter: new Date(Date.now() - day),
};

/** Options for a certificate that is valid from tomorrow on. */
export const notYetValid: CertificateOptions = { notBefore: new Date(Date.now() + day) };

async function authority(subject: string, cert: string, keys: Keys, between: string): Promise<CA> {
  const sign = async (
    name: string,
    publicKey: Keys['publicKey'] | PublicKey,
    options: CertificateOptions,
    extensions: Extension[],
  ) => {
    const certificate = await x509.X509CertificateGenerator.create({
      subject: name,
      issuer: subject,
      publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(options),
      extensions,
    });
    return certificate.toString('pem');
  };
  return {
    cert,
    key: await exportKey(keys),
    async issue(options = {}) {
      const leafKeys = await makeKeys(options.keys);
      const leaf = await sign(subjectOf(options), leafKeys.publicKey, options, leafExtensions(options));
      return { cert: leaf, key: await exportKey(leafKeys), chain: joinPem(leaf, between) };
    },
    async intermediate(name = 'CN=Whippet Test Intermediate', extensions = []) {
      const lowerKeys = await makeKeys();
      const lower = await sign(name, lowerKeys.publicKey, {}, [...authorityExtensions(), ...extensions]);
      return authority(name, lower, lowerKeys, joinPem(lower, between));
    },
    vouchFor(other) {
      const { subject, publicKey } = new x509.X509Certificate(other.cert);
      return sign(subject, publicKey, {}, authorityExtensions());
    },
  };
}

function authorityExtensions(): Extension[] {
  const usage = x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign;
  return [new x509.BasicConstraintsExtension(true, undefined, true), new x509.KeyUsagesExtension(usage, true)];
}

function leafExtensions(options: CertificateOptions): Extension[] {
  const usages = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth];
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension(usages),
    namesOf(options),
    ...(options.extensions ?? []),
  ];
}

function namesOf(options: CertificateOptions): Extension {
  const { dnsNames, ips } = withDefaultNames(options);
  return new x509.SubjectAlternativeNameExtension([
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ips.map((value) => ({ type: 'ip' as const, value })),
  ]);
}

function subjectOf(options: CertificateOptions): string {
  const { dnsNames, ips } = withDefaultNames(options);
  return options.subject ?? `CN=${dnsNames[0] ?? ips[0] ?? 'no name'}`;
}

function withDefaultNames({ dnsNames, ips }: CertificateOptions): {
  dnsNames: readonly string[];
  ips: readonly string[];
} {
  if (dnsNames === undefined && ips === undefined) return { dnsNames: ['localhost'], ips: ['127.0.0.1', '::1'] };
  return { dnsNames: dnsNames ?? [], ips: ips ?? [] };
}

function validity({ notBefore, notAfter }: CertificateOptions): { notBefore: Date; notAfter: Date } {
  return {
    notBefore: notBefore ?? new Date(Date.now() - day),
    notAfter: notAfter ?? new Date(Date.now() + 30 * day),
  };
}

async function makeKeys(kind: keyof typeof keyAlgorithms = 'P-256'): Promise<Keys> {
  return (await webcrypto.subtle.generateKey(keyAlgorithms[kind], true, ['sign', 'verify'])) as Keys;
}

async function exportKey(keys: Keys): Promise<string> {
  return pem('PRIVATE KEY', Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)));
}

/** Without an empty line behind a last one that is full: OpenSSL takes none, and how long a signature is depends on its numbers. */
function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
}

function joinPem(...certificates: string[]): string {
  return certificates.filter((pem) => pem !== '').join('\n');
}

/** DER: a tag, a length, and the content. */
function wrap(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const lengths = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...lengths]), content]);
}

/** DER: what `der`, or each of several one after the other, holds; `der` alone in one for a whole document. */
function children(der: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < der.length;) {
    const first = der[at + 1]!;
    const count = first < 0x80 ? 0 : first & 0x7f;
    const length = count === 0 ? first : der.readUIntBE(at + 2, count);
    const begin = at + 2 + count;
    // A whole document is what it holds.
    if (at === 0 && begin + length === der.length) return children(der.subarray(begin));
    found.push(der.subarray(at, begin + length));
    at = begin + length;
  }
  return found;
}

/**
 * What TLS connections rest on: `verify`, `cert`, and the variables that count when the environment is trusted. It is read once,
 * when the client is made. Verification is the core's work.
 */

import { closeSync, constants, openSync } from 'node:fs';
import path from 'node:path';
import { readCertificateFile, readCertificateFolder, readCertificates } from './certificates.js';
import { readClientCertificate } from './client-certificate.js';
import { bare } from '../bare.js';
import { quote } from '../shown-text.js';
import type { TlsOptions } from '../native.js';
import type { CertificateTypes, ClientCertificateOptions } from '../types.js';

/** The options as a user gives them. */
export interface TrustOptions {
  verify?: boolean | CertificateTypes | readonly CertificateTypes[] | undefined;
  cert?: ClientCertificateOptions | null | undefined;
}

/** What the environment asks for that is said with the first https connection: most clients of http never make one. */
export class TrustNotice {
  /** What is wrong with a variable. */
  failure: Error | null = null;
  /** NODE_TLS_REJECT_UNAUTHORIZED is '0'. */
  isUnverified = false;

  get isEmpty(): boolean {
    return this.failure === null && !this.isUnverified;
  }

  /** Node's own warning, once for the process. */
  warn(): void {
    if (!this.isUnverified || hasWarned) return;
    hasWarned = true;
    process.emitWarning(
      "Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes TLS connections and HTTPS requests insecure by " +
        'disabling certificate verification.',
    );
  }
}

/**
 * Reads the files that the options, and with `trustEnv` the variables, name; without any, it reads none.
 *
 * @param notice Learns what the variables ask for besides.
 * @throws TypeError naming the option
 */
export function resolveTrust(
  { verify, cert }: TrustOptions,
  trustEnv: boolean,
  notice = new TrustNotice(),
): TlsOptions {
  notice.isUnverified = verify === undefined && trustEnv && variable('NODE_TLS_REJECT_UNAUTHORIZED') === '0';
  // What is undefined here the addon would take from a polluted Object.prototype.
  const trust = bare<TlsOptions>({ verify: verify !== false && !notice.isUnverified });
  if (verify !== undefined && typeof verify !== 'boolean') trust.roots = readCertificates('verify', verify);
  if (cert !== undefined && cert !== null) {
    const { chain, key } = readClientCertificate(cert);
    trust.clientCert = chain;
    trust.clientKey = key;
  }
  if (!trustEnv) return trust;
  try {
    if (trust.verify && trust.roots === undefined) readVariables(trust);
    trust.keyLog = keyLogFile();
  } catch (error) {
    notice.failure = error as Error;
  }
  return trust;
}

/** SSL_CERT_FILE goes before SSL_CERT_DIR, and either replaces the platform's store; NODE_EXTRA_CA_CERTS is added, as in Node. */
function readVariables(trust: TlsOptions): void {
  const file = variable('SSL_CERT_FILE');
  const folders = file === undefined ? variable('SSL_CERT_DIR') : undefined;
  const extra = variable('NODE_EXTRA_CA_CERTS');
  if (file !== undefined) {
    trust.roots = readCertificateFile('SSL_CERT_FILE', path.resolve(file));
  } else if (folders !== undefined) {
    const read = (folder: string) => readCertificateFolder('SSL_CERT_DIR', path.resolve(folder));
    trust.roots = folders.split(path.delimiter).filter(Boolean).flatMap(read);
  }
  // On many machines both name the system's bundle.
  if (extra === undefined || extra === file) return;
  const certificates = readCertificateFile('NODE_EXTRA_CA_CERTS', path.resolve(extra));
  if (trust.roots === undefined) trust.extraRoots = certificates;
  else if (trust.roots !== certificates) trust.roots = [...trust.roots, ...certificates];
}

/** Written by the core; that it can be is seen now. A pipe that no process reads is an error, where opening it would wait for one. */
function keyLogFile(): string | undefined {
  const given = variable('SSLKEYLOGFILE');
  if (given === undefined) return undefined;
  const file = path.resolve(given);
  try {
    closeSync(openSync(file, APPEND_AT_ONCE, 0o600));
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    throw new TypeError(`SSLKEYLOGFILE: cannot write to ${quote(file)}: ${code}`, { cause });
  }
  return file;
}

/** Its value if it is set to something. `process.env` inherits from Object.prototype, which has no say. */
function variable(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === '' || !Object.hasOwn(process.env, name) ? undefined : value;
}

/** Windows has no O_NONBLOCK. */
const APPEND_AT_ONCE = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NONBLOCK ?? 0);

let hasWarned = false;

/** What is said when there is no response: one line on stderr, and at most two hints. */

import { ConnectTimeout, HTTPError, LocalProtocolError, ReadTimeout, TotalTimeout } from '../errors.js';
import type { Arguments } from './arguments.js';
import { EXIT } from './exit-code.js';
import { maskedUserinfo } from './secrets.js';
import { shown, UsageError } from './usage-error.js';
import { visibleLine } from './visible-text.js';

/** Lines for stderr, and the exit code. */
export interface FailureReport {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** @param args null when they could not be read. */
export function reportFailure(error: unknown, args: Arguments | null): FailureReport {
  if (error instanceof UsageError) return usage(error.message, error.suggestion);
  // What the client says of its options.
  if (error instanceof TypeError || error instanceof RangeError) return usage(inOurWords(error.message), null);
  if (error instanceof LocalProtocolError && args !== null) {
    const option = headerOption(error.message, args);
    if (option !== null) return usage(`${option}: ${error.message}`, null);
  }
  const { name, code, message } =
    error instanceof Error ? (error as Error & { code?: string }) : { name: 'Error', message: String(error), code: '' };
  const [first] = message.split('\n');
  const line = `error: ${name}${code === undefined || code === '' ? '' : ` ${code}`}: ${visibleLine(maskedUserinfo(first))}`;
  const hints = args === null ? [] : hintsFor(error, args).slice(0, 2);
  return { lines: [line, ...hints.map((hint) => `hint: ${visibleLine(hint)}`)], exitCode: EXIT.failed };
}

function usage(message: string, suggestion: string | null): FailureReport {
  const lines = [`error: ${visibleLine(message)}`];
  if (suggestion !== null) lines.push(`did you mean ${suggestion}?`);
  lines.push('whippet --help shows what there is');
  return { lines, exitCode: EXIT.usage };
}

/** The client names its option; here it is the command's that is to be named. What stands in its brackets stays. */
function inOurWords(message: string): string {
  const [, name = '', rest = ''] = /^(\w+(?:\.\w+)?)((?:\['.*?'\])?: .*)$/s.exec(message) ?? [];
  const ours = optionOf.get(name);
  if (ours === undefined) return message.startsWith("Cookie '") ? `--cookie: ${message}` : message;
  return `--${ours}${rest.replace(/^\['all'\]/, '').replace(/^\[('.*?')\]/s, ' $1')}`;
}

const optionOf = new Map([
  ['cert', 'cert'],
  ['cert.cert', 'cert'],
  ['cert.key', 'key'],
  ['cert.password', 'key-password'],
  ['localAddress', 'interface'],
  ['method', 'method'],
  ['proxies', 'proxy'],
  ['resolve', 'resolve'],
  ['socketPath', 'unix-socket'],
  ['verify', 'ca'],
]);

/** Where the header was given that breaks the request: one that frames its body, or says its host; null: nowhere. */
function headerOption(message: string, args: Arguments): string | null {
  const nameOf = (line: string): string => line.split(/[:;]/, 1)[0].trim();
  const breaks = (line: string): boolean => {
    const name = nameOf(line).toLowerCase();
    return ['content-length', 'transfer-encoding', 'host'].includes(name) && message.toLowerCase().includes(name);
  };
  if (args.values('header').some(breaks)) return '--header';
  const item = args.words.find(breaks);
  return item === undefined ? null : `ITEM ${shown(nameOf(item))}`;
}

function hintsFor(error: unknown, args: Arguments): string[] {
  if (!(error instanceof HTTPError)) return [];
  const hints: string[] = [];
  if (error.proxy !== undefined) hints.push(proxyHint(error.proxy, error.request?.url.scheme ?? 'http', args));
  if (/CERT|SELF_SIGNED|ISSUER|VERIFY|SIGNATURE/.test(error.code)) {
    hints.push('--ca FILE trusts the authority of the certificate, --no-verify trusts any');
    const variable = ['SSL_CERT_FILE', 'SSL_CERT_DIR'].find(
      (name) => process.env[name] !== undefined && !args.has('no-env'),
    );
    if (variable !== undefined && !args.has('ca'))
      hints.push(`${variable} is set, and stands in the place of the system's authorities`);
  } else if (/SSL|TLS/.test(error.code) || /TLS|InvalidContentType/.test(error.message)) {
    if (error.request?.url.scheme === 'https' && error.proxy === undefined)
      hints.push('if the server speaks plain HTTP, write http:// before the host');
  }
  if (error instanceof ConnectTimeout) hints.push('--connect-timeout SECONDS waits longer');
  if (error instanceof ReadTimeout) hints.push('--read-timeout SECONDS waits longer');
  if (error instanceof TotalTimeout) hints.push('--timeout SECONDS allows more');
  return hints;
}

/** Which of the variables, as it is spelt, or that it was the option. */
function proxyHint(proxy: string, scheme: string, args: Arguments): string {
  if (args.has('proxy')) return `the proxy is the one of --proxy`;
  const wanted = hostOf(proxy);
  const names = Object.keys(process.env)
    .filter((name) => /^(?:https?|all)_proxy$/i.test(name) && hostOf(process.env[name] ?? '') === wanted)
    .sort((a, b) => rank(a, scheme) - rank(b, scheme));
  if (names.length === 0) return '--no-proxy goes without a proxy';
  return `the proxy comes from ${names[0]}; --no-proxy goes without it`;
}

/** As the client looks for them: the scheme's before all_proxy, lower case first. */
function rank(name: string, scheme: string): number {
  const lower = name.toLowerCase();
  const kind = lower === `${scheme}_proxy` ? 0 : lower === 'all_proxy' ? 1 : 2;
  return kind * 3 + (name === lower ? 0 : name === name.toUpperCase() ? 1 : 2);
}

function hostOf(proxy: string): string {
  return proxy
    .trim()
    .replace(/^[a-z\d+.-]+:\/\//i, '')
    .replace(/^[^/]*@/, '')
    .replace(/[/?#].*$/, '')
    .toLowerCase();
}

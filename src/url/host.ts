/**
 * The host of a URL: a name in ASCII (Punycode), an IPv4 address, or an IPv6 address in brackets. Anything that two parsers could
 * take for two hosts is refused. Looking names up is the core's work.
 */

import { isIPv6, SocketAddress } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { InvalidURL } from '../errors.js';
import { quote } from '../shown-text.js';
import { bare } from '../bare.js';

/**
 * The host as it stands in a URL: lower case, Punycode; an IPv4 address in four decimal parts; an IPv6 address in brackets, as RFC
 * 5952 spells it, with its zone as RFC 6874 does (`[fe80::1%25eth0]`).
 * @throws InvalidURL
 */
export function encodeHost(host: string): string {
  if (host === '') return '';
  if (host.startsWith('[')) return encodeIPv6(host);
  let ascii = true;
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    if (code >= 128) ascii = false;
    else if (forbidden[code] === 1) {
      throw new InvalidURL(`Invalid character ${quote(host[i])} in host: ${quote(host)}`);
    }
  }
  if (ascii && endsInNumber(host)) return isIPv4(host) ? host : parseIPv4(host, host);
  const lower = host.toLowerCase();
  return ascii && !lower.includes('xn--') ? lower : encodeName(host);
}

/** `[fe80::1%25eth0]` → `fe80::1%eth0`: without brackets, the zone as it is called. Other hosts as they are. */
export function withoutBrackets(encoded: string): string {
  return encoded.startsWith('[') ? encoded.slice(1, -1).replace('%25', '%') : encoded;
}

/** `[fe80::1%25eth0]:80` → `[fe80::1]:80`. A zone means something on this machine alone (RFC 6874 §4): it is told to no peer. */
export function withoutZone(host: string): string {
  return host.includes('%') ? host.replace(/%[^\]]*/, '') : host;
}

/** The host for people: every label in Unicode that has such a form. Addresses and plain names as they are. */
export function decodeHost(host: string): string {
  if (!host.includes('xn--')) return host;
  const unicode = domainToUnicode(host);
  return unicode !== '' && isUnicodeName(unicode) ? unicode : host;
}

/** UTS #46, and then IDNA2008: what it maps to must be letters, digits and marks (no ☃), in labels that DNS can carry. */
function encodeName(host: string): string {
  const refused = () => new InvalidURL(`Invalid IDNA hostname: ${quote(host)}`);
  // Longer than any name in DNS, even if two thirds of it were mapped to nothing.
  if (host.length > 3 * MAX_NAME_CHARS) throw refused();
  const name = domainToASCII(host);
  if (name === '' || name.length > MAX_NAME_CHARS + 1) throw refused();
  if (endsInNumber(name)) return parseIPv4(name, host);
  const unicode = domainToUnicode(name);
  const typedAsUnicode = !/^[\x20-\x7e]*$/.test(host);
  if (unicode === '' || (typedAsUnicode && !isUnicodeName(unicode))) throw refused();
  const labels = name.split('.');
  const written = unicode.split('.');
  if (labels.at(-1) === '') labels.pop();
  for (const [i, label] of labels.entries()) {
    if (label === '' || label.length > MAX_LABEL_CHARS) throw refused();
    // RUSTSEC-2024-0421: 'xn--example-' is 'example' once more, which no honest encoder writes.
    if (label.startsWith('xn--') && /^[\x20-\x7e]*$/.test(written[i])) throw refused();
  }
  return name;
}

/** RFC 5892: PVALID comes to letters, marks and decimal digits, and the exceptions and context rules of its §2.6 and Appendix A. */
function isUnicodeName(name: string): boolean {
  return /^[\p{L}\p{M}\p{Nd}._\-\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb\u200c\u200d]*$/u.test(name);
}

/** RFC 3986 §3.2.2, in the spelling of RFC 5952; with a zone, whose case counts: `%25eth0` (RFC 6874) or, as it is written as often, `%eth0`. */
function encodeIPv6(host: string): string {
  const text = host.slice(1, -1);
  const percent = text.indexOf('%');
  const address = percent === -1 ? text : text.slice(0, percent);
  const zone = percent === -1 ? '' : text.slice(percent + 1).replace(/^25(?=.)/, '');
  if (!host.endsWith(']') || !isIPv6(address) || (percent !== -1 && !/^[\w.~-]+$/.test(zone))) {
    throw new InvalidURL(`Invalid IPv6 address: ${quote(host)}`);
  }
  const shortest = new SocketAddress(bare({ address, family: 'ipv6' as const })).address;
  return zone === '' ? `[${shortest}]` : `[${shortest}%25${zone}]`;
}

/** URL standard, "ends in a number": then it is an address for some readers, and never a name for ours. */
function endsInNumber(host: string): boolean {
  const end = host.endsWith('.') ? host.length - 1 : host.length;
  const start = host.lastIndexOf('.', end - 1) + 1;
  const first = host.charCodeAt(start);
  return first >= 0x30 && first <= 0x39 && /^(?:\d+|0[xX][\da-fA-F]*)$/.test(host.slice(start, end));
}

/**
 * URL standard, "IPv4 parser": one to four parts, each decimal, octal (`0…`) or hexadecimal (`0x…`), the last filling what is left.
 * @param given What was written, for the message.
 */
function parseIPv4(text: string, given: string): string {
  const refused = () => new InvalidURL(`Invalid IPv4 address: ${quote(given)}`);
  const parts = (text.endsWith('.') ? text.slice(0, -1) : text).split('.');
  if (parts.length > 4) throw refused();
  let address = 0;
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const number = parseNumber(part);
    if (!(number < (isLast ? 256 ** (4 - i) : 256))) throw refused();
    address += isLast ? number : number * 256 ** (3 - i);
  }
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

/** NaN for what is no number. */
function parseNumber(text: string): number {
  if (/^0[xX]/.test(text)) return /^..[\da-fA-F]*$/.test(text) ? Number(`0x0${text.slice(2)}`) : NaN;
  if (/^0./.test(text)) return /^[0-7]+$/.test(text) ? Number(`0o${text}`) : NaN;
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

/** In its final spelling: four decimal parts, each 0 to 255 and without a leading zero. */
export function isIPv4(host: string): boolean {
  let parts = 1;
  let value = -1;
  for (let i = 0; i < host.length; i++) {
    const digit = host.charCodeAt(i) - 0x30;
    if (digit >= 0 && digit <= 9) {
      if (value === 0) return false;
      value = value === -1 ? digit : value * 10 + digit;
      if (value > 255) return false;
    } else {
      if (host[i] !== '.' || value === -1) return false;
      value = -1;
      parts++;
    }
  }
  return parts === 4 && value !== -1;
}

/** RFC 1035 §2.3.4, as text. */
const MAX_NAME_CHARS = 253;
const MAX_LABEL_CHARS = 63;

/** The URL standard's forbidden domain code points (§3.2): no resolver knows them, and parsers differ about them. */
const forbidden = new Uint8Array(128);
forbidden.fill(1, 0, 0x21);
forbidden[0x7f] = 1;
for (const char of '#%/:<>?@[\\]^|') forbidden[char.charCodeAt(0)] = 1;

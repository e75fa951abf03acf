/**
 * The host of a URL: a name in ASCII (Punycode), an IPv4 address, or an IPv6 address in brackets. Anything that two parsers could
 * take for two hosts is refused. Looking names up is the core's work.
 */

import { isIPv6 } from 'node:net';
import { domainToASCII, domainToUnicode } from 'node:url';
import { InvalidURL, quote } from '../errors.js';

/**
 * The host as it is sent: lower case, Punycode, IPv6 in brackets.
 * @throws InvalidURL
 */
export function encodeHost(host: string): string {
  if (host === '') return '';
  if (host.startsWith('[')) return encodeIPv6(host);
  if (looksLikeIPv4(host)) {
    if (!isIPv4(host)) throw new InvalidURL(`Invalid IPv4 address: ${quote(host)}`);
    return host;
  }
  let ascii = true;
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    if (code >= 128) ascii = false;
    else if (forbidden[code] === 1) {
      throw new InvalidURL(`Invalid character ${quote(host[i])} in host: ${quote(host)}`);
    }
  }
  const lower = host.toLowerCase();
  return ascii && !lower.includes('xn--') ? lower : encodeName(host);
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
  if (host.length > 3 * MAX_NAME) throw refused();
  const name = domainToASCII(host);
  // '１２７.1' is a name to look up for one reader, and 127.0.0.1 for another.
  if (name === '' || name.length > MAX_NAME + 1 || /^[\d.]+$/.test(name)) throw refused();
  const unicode = domainToUnicode(name);
  const typedAsUnicode = !/^[\x20-\x7e]*$/.test(host);
  if (unicode === '' || (typedAsUnicode && !isUnicodeName(unicode))) throw refused();
  const labels = name.split('.');
  const written = unicode.split('.');
  if (labels.at(-1) === '') labels.pop();
  for (const [i, label] of labels.entries()) {
    if (label === '' || label.length > MAX_LABEL) throw refused();
    // RUSTSEC-2024-0421: 'xn--example-' is 'example' once more, which no honest encoder writes.
    if (label.startsWith('xn--') && /^[\x20-\x7e]*$/.test(written[i])) throw refused();
  }
  return name;
}

/** RFC 5892: PVALID comes to letters, marks and decimal digits, and the exceptions and context rules of its §2.6 and Appendix A. */
function isUnicodeName(name: string): boolean {
  return /^[\p{L}\p{M}\p{Nd}._\-\u00b7\u0375\u05f3\u05f4\u06fd\u06fe\u0f0b\u3007\u30fb\u200c\u200d]*$/u.test(name);
}

/** RFC 3986 §3.2.2; with a zone (RFC 6874), whose case counts. */
function encodeIPv6(host: string): string {
  const text = host.slice(1, -1);
  const percent = text.indexOf('%');
  const address = percent === -1 ? text : text.slice(0, percent);
  const zone = percent === -1 ? '' : text.slice(percent);
  if (!host.endsWith(']') || !isIPv6(address) || (zone !== '' && !/^%[\w.~%-]+$/.test(zone))) {
    throw new InvalidURL(`Invalid IPv6 address: ${quote(host)}`);
  }
  return `[${address.toLowerCase()}${zone}]`;
}

/** Four parts of digits: an address, or an error. `127.1` and `0x7f.1` are names, as they are to httpx. */
function looksLikeIPv4(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host);
}

/** Four decimal parts, each 0 to 255 and without a leading zero, which some read as octal. */
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
const MAX_NAME = 253;
const MAX_LABEL = 63;

/** The URL standard's forbidden domain code points (§3.2): no resolver knows them, and parsers differ about them. */
const forbidden = new Uint8Array(128);
forbidden.fill(1, 0, 0x21);
forbidden[0x7f] = 1;
for (const char of '#%/:<>?@[\\]^|') forbidden[char.charCodeAt(0)] = 1;

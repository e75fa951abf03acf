import { STATUS_CODES } from 'node:http';
import test from 'ava';
import { codes } from '../../src/response/status-codes.js';

const CODES: [name: string, code: number, phrase: string][] = [
  ['CONTINUE', 100, 'Continue'],
  ['EARLY_HINTS', 103, 'Early Hints'],
  ['OK', 200, 'OK'],
  ['NON_AUTHORITATIVE_INFORMATION', 203, 'Non-Authoritative Information'],
  ['MULTI_STATUS', 207, 'Multi-Status'],
  ['IM_USED', 226, 'IM Used'],
  ['FOUND', 302, 'Found'],
  ['PERMANENT_REDIRECT', 308, 'Permanent Redirect'],
  ['NOT_FOUND', 404, 'Not Found'],
  ['REQUEST_URI_TOO_LONG', 414, 'Request-URI Too Long'],
  ['URI_TOO_LONG', 414, 'Request-URI Too Long'],
  ['IM_A_TEAPOT', 418, "I'm a teapot"],
  ['MISDIRECTED_REQUEST', 421, 'Misdirected Request'],
  ['UNPROCESSABLE_ENTITY', 422, 'Unprocessable Entity'],
  ['UNPROCESSABLE_CONTENT', 422, 'Unprocessable Entity'],
  ['TOO_EARLY', 425, 'Too Early'],
  ['UNAVAILABLE_FOR_LEGAL_REASONS', 451, 'Unavailable For Legal Reasons'],
  ['INTERNAL_SERVER_ERROR', 500, 'Internal Server Error'],
  ['NETWORK_AUTHENTICATION_REQUIRED', 511, 'Network Authentication Required'],
];

for (const [name, code, phrase] of CODES) {
  test(`codes.${name} is ${code}`, (t) => {
    t.is(codes[name], code);
    t.is(codes[name.toLowerCase()], code);
    t.is(codes.phrase(code), phrase);
  });
}

test('knows every code that Node knows, but bandwidth limits', (t) => {
  const ours = new Set(Object.values(codes));
  const missing = Object.keys(STATUS_CODES).filter((code) => !ours.has(Number(code)));
  t.deepEqual(missing, ['509']);
});

test('an unknown code has no phrase, an unknown name no code', (t) => {
  for (const code of [0, 99, 306, 499, 599, NaN, -1]) t.is(codes.phrase(code), '');
  for (const name of ['NOPE', 'constructor', '__proto__', 'toString']) t.false(name in codes);
});

test('is frozen, has no prototype, and lists names only', (t) => {
  t.true(Object.isFrozen(codes));
  t.is(Object.getPrototypeOf(codes), null);
  t.false(Object.keys(codes).includes('phrase'));
  t.true(Object.keys(codes).every((name) => /^[A-Z_]+$|^[a-z_]+$/.test(name)));
});

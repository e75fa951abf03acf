/** The status codes by name. What a response with one of them means is asked of the Response. */

import { bare } from '../bare.js';

/** The names in both spellings, as httpx has them; `phrase(code)` is not enumerable. */
export type Codes = Readonly<Record<string, number>> & { phrase(code: number): string };

// IANA's registry, with the names and phrases of httpx; where RFC 9110 renamed one, its name is an alias below.
const registered: readonly [code: number, phrase: string][] = [
  [100, 'Continue'],
  [101, 'Switching Protocols'],
  [102, 'Processing'],
  [103, 'Early Hints'],
  [200, 'OK'],
  [201, 'Created'],
  [202, 'Accepted'],
  [203, 'Non-Authoritative Information'],
  [204, 'No Content'],
  [205, 'Reset Content'],
  [206, 'Partial Content'],
  [207, 'Multi-Status'],
  [208, 'Already Reported'],
  [226, 'IM Used'],
  [300, 'Multiple Choices'],
  [301, 'Moved Permanently'],
  [302, 'Found'],
  [303, 'See Other'],
  [304, 'Not Modified'],
  [305, 'Use Proxy'],
  [307, 'Temporary Redirect'],
  [308, 'Permanent Redirect'],
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [402, 'Payment Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [405, 'Method Not Allowed'],
  [406, 'Not Acceptable'],
  [407, 'Proxy Authentication Required'],
  [408, 'Request Timeout'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [411, 'Length Required'],
  [412, 'Precondition Failed'],
  [413, 'Request Entity Too Large'],
  [414, 'Request-URI Too Long'],
  [415, 'Unsupported Media Type'],
  [416, 'Requested Range Not Satisfiable'],
  [417, 'Expectation Failed'],
  [418, "I'm a teapot"],
  [421, 'Misdirected Request'],
  [422, 'Unprocessable Entity'],
  [423, 'Locked'],
  [424, 'Failed Dependency'],
  [425, 'Too Early'],
  [426, 'Upgrade Required'],
  [428, 'Precondition Required'],
  [429, 'Too Many Requests'],
  [431, 'Request Header Fields Too Large'],
  [451, 'Unavailable For Legal Reasons'],
  [500, 'Internal Server Error'],
  [501, 'Not Implemented'],
  [502, 'Bad Gateway'],
  [503, 'Service Unavailable'],
  [504, 'Gateway Timeout'],
  [505, 'HTTP Version Not Supported'],
  [506, 'Variant Also Negotiates'],
  [507, 'Insufficient Storage'],
  [508, 'Loop Detected'],
  [510, 'Not Extended'],
  [511, 'Network Authentication Required'],
];

/** RFC 9110 §15.5. */
const renamed: readonly [name: string, code: number][] = [
  ['CONTENT_TOO_LARGE', 413],
  ['URI_TOO_LONG', 414],
  ['RANGE_NOT_SATISFIABLE', 416],
  ['UNPROCESSABLE_CONTENT', 422],
];

/**
 * Status codes by name, in upper and lower case: `codes.NOT_FOUND`, `codes.not_found`; and `codes.phrase(404)`, 'Not Found',
 * or '' for a code that is not registered. Frozen, without a prototype.
 * @since 0.1.0
 */
export const codes: Codes = build();

function build(): Codes {
  const phrases = new Map(registered);
  const names = Object.create(null) as Record<string, number>;
  const add = (name: string, code: number) => {
    names[name] = code;
    names[name.toLowerCase()] = code;
  };
  for (const [code, phrase] of registered) {
    // "I'm a teapot" → IM_A_TEAPOT, 'Multi-Status' → MULTI_STATUS
    add(phrase.toUpperCase().replaceAll("'", '').replaceAll(/[ -]/g, '_'), code);
  }
  for (const [name, code] of renamed) add(name, code);
  const phrase = (code: number) => phrases.get(code) ?? '';
  return Object.freeze(Object.defineProperty(names, 'phrase', bare({ value: phrase }))) as unknown as Codes;
}

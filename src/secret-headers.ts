/**
 * Which headers are not shown, by `inspect()`, JSON, curl commands and the command's own output. Only what is shown is decided here: what
 * a redirect keeps to itself is in `response/next-request.ts`.
 */

/** Whether the value of such a header is a secret: X-Auth-Token, Private-Token, X-Amz-Security-Token, X-Client-Secret and the like. */
export function isSecretHeader(name: string): boolean {
  return secretNames.test(name);
}

/** The value of a header in a text for people. That of a URL, such as a Location, may have a password. */
export function shownValue(name: string, value: string): string {
  return isSecretHeader(name) ? '[secure]' : value.replace(/(\/\/)[^/?#\s]*@/g, '$1[secure]@');
}

/** What stands between hyphens. A key by itself is none: Idempotency-Key, Surrogate-Key, Sec-WebSocket-Key. */
const WORDS = [
  'auth',
  'authorization',
  'x?(?:api|access|account|functions|license|master|private|secret|shared|subscription)[-_]?key',
  'token',
  'secret',
  'passw(?:or)?d',
  'passphrase',
  'credentials?',
  'cookie2?',
  'session(?:[-_]?(?:id|key))?',
  'signature',
  'jwt',
  'assertion',
  'dpop',
];
const secretNames = new RegExp(
  `(?:^|[-_])(?:${WORDS.join('|')})(?:$|[-_])|(?:token|secret|apikey)$|(?:^|[-_])apikey`,
  'i',
);

/**
 * Which headers and parameters are not shown, by `inspect()`, JSON, messages, curl commands and the command's own output. Only what is shown
 * is decided here: what a redirect keeps to itself is in `response/next-request.ts`.
 */

/** Whether the value of such a header is a secret: X-Auth-Token, Private-Token, X-Amz-Security-Token, X-Client-Secret and the like. */
export function isSecretHeader(name: string): boolean {
  return secretNames.test(name);
}

/**
 * Whether the value of such a parameter of a URL is a secret: what is one in a header, and access_token, client_secret, code, X-Amz-Signature …
 *
 * @param name As it is spelled in the URL: user%5BapiKey%5D.
 * @param value Of a parameter that is named `key`, and mostly is one of a map, tells whether it is Google's for its API: those are long.
 */
export function isSecretParam(name: string, value: string): boolean {
  const text = name.replace(/%([2-7][\da-f])/gi, (_all, hex: string) => String.fromCharCode(parseInt(hex, 16)));
  if (/^key$/i.test(text)) return value.length >= MIN_KEY_CHARS;
  if (secretParams.test(text)) return true;
  return isSecretHeader(text.replace(/([a-z\d])(?=[A-Z])/g, '$1-').replace(/[^\w-]+/g, '-'));
}

const MIN_KEY_CHARS = 20;

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

/** Beside those: of OAuth, of signed links (AWS, Azure, Google, Shopify), of Google's and Azure's keys, and sessions in a path. */
const secretParams =
  /^(?:code|code_verifier|device_code|user_code|sig|hmac|pwd|pass|otp|awsaccesskeyid|samlresponse|\w*sess(?:ion)?id)$/i;

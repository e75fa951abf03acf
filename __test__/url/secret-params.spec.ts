/** Which parameters of a URL are shown, and where. */
import test from 'ava';
import { inspect } from 'node:util';
import { Headers, QueryParams, Request, Response, URL } from '../../src/index.js';

const SECRET = [
  'access_token', 'accessToken', 'id_token', 'token', 'api_key', 'apikey', 'apiKey', 'X-API-KEY', 'client_secret', 'clientSecret',
  'password', 'newPassword', 'pwd', 'passwd', 'code', 'code_verifier', 'sig', 'signature', 'X-Amz-Signature',
  'X-Amz-Credential', 'X-Amz-Security-Token', 'X-Goog-Signature', 'AWSAccessKeyId', 'hmac', 'jwt', 'auth', 'session_id', 'PHPSESSID',
  'client_assertion', 'user[password]', 'user%5Bpassword%5D', 'access%5Ftoken', 'subscription-key', 'SAMLResponse',
]; // prettier-ignore
for (const name of SECRET) {
  test(`the value of ${name} is not shown`, (t) => {
    const text = `https://h/p?a=1&${name}=s3cr3t&b=2`;
    const shown = `https://h/p?a=1&${name}=[secure]&b=2`;
    const url = new URL(text);
    t.is(JSON.stringify(url), JSON.stringify(shown.replace(name, url.query.split('&')[1].split('=')[0])));
    t.notRegex(inspect(url), /s3cr3t/);
    t.regex(url.toString(), /s3cr3t/);
  });
}

test('a key is shown unless it is as long as those of an API', (t) => {
  t.is(new URL('https://h/?key=value').toJSON(), 'https://h/?key=value');
  t.is(new URL('https://h/?key=0123456789012345678').toJSON(), 'https://h/?key=0123456789012345678');
  t.is(new URL('https://h/?key=01234567890123456789&x=1').toJSON(), 'https://h/?key=[secure]&x=1');
});

const SEEN = [
  'q',
  'page',
  'keyword',
  'monkey',
  'country_code',
  'postcode',
  'author',
  'tokenize',
  'sign',
  'design',
  'passenger',
  'state',
];
for (const name of SEEN) {
  test(`the value of ${name} is shown`, (t) => t.is(new URL(`https://h/?${name}=x`).toJSON(), `https://h/?${name}=x`));
}

const SHOWN: [given: string, shown: string][] = [
  ['https://me:pw@h/?token=a', 'https://me:[secure]@h/?token=[secure]'],
  ['/p?token=a', '/p?token=[secure]'],
  ['https://h/#access_token=a&x=1', 'https://h/#access_token=[secure]&x=1'],
  ['https://h/p;jsessionid=1A?x=1', 'https://h/p;jsessionid=[secure]?x=1'],
  ['https://h/?token=a;b&x=1', 'https://h/?token=[secure]&x=1'],
  ['https://h/?x=1;token=a;y=2', 'https://h/?x=1;token=[secure];y=2'],
  ["https://h/?token=a'b", 'https://h/?token=[secure]'],
  ['https://h/?token=a=b==', 'https://h/?token=[secure]'],
  ['https://h/?token=&x=1', 'https://h/?token=&x=1'],
  ['https://h/?token', 'https://h/?token'],
  ['https://h/token=a', 'https://h/token=a'],
];
for (const [given, shown] of SHOWN) test(`${given} is shown as ${shown}`, (t) => t.is(new URL(given).toJSON(), shown));

test('wherever a URL is shown, and nowhere else', (t) => {
  const request = new Request('GET', 'https://h/?token=s3cr3t', {
    headers: { referer: 'https://h/?x=1&api_key=s3cr3t' },
  });
  const headers = { location: '/next?code=s3cr3t', link: '<https://h/?token=s3cr3t>; rel="next"' };
  const response = new Response(302, { request, headers });
  const error = t.throws(() => response.raiseForStatus());
  for (const value of [request, response, error, new Headers(headers), new QueryParams('token=s3cr3t')])
    t.notRegex(inspect(value), /s3cr3t/);
  for (const value of [request, response, error, new Headers(headers)]) t.notRegex(JSON.stringify(value), /s3cr3t/);
  t.notRegex(request.toCurl(), /token=s3cr3t/);
  t.regex(request.toCurl({ showSecrets: true }), /token=s3cr3t/);
  t.is(request.url.fullPath, '/?token=s3cr3t');
  t.is(response.nextRequest?.url.query, 'code=s3cr3t');
  t.is(JSON.stringify(new QueryParams('token=s3cr3t')), '"token=s3cr3t"');
});

test('a long query takes no longer than its length', (t) => {
  const url = new URL(`https://h/?${'a;'.repeat(15_000)}&${'b=;'.repeat(10_000)}`);
  t.is(url.toJSON().length, url.toString().length);
});

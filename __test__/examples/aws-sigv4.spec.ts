/** The example of an auth flow of one's own: AWS's published vectors, and what a server receives. */
import test from 'ava';
import { startBare } from '../helpers/child.js';
import { runExample } from '../helpers/example.js';
import { serve } from '../helpers/server.js';

const example = new URL('../../examples/support/aws-sigv4.js', import.meta.url).href;
const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' };

const VECTORS: [title: string, service: string, url: string, headers: Record<string, string>, signature: string][] = [
  [
    'the documentation’s ListUsers',
    'iam',
    'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
    { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
    '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  ],
  [
    'the test suite’s get-vanilla',
    'service',
    'https://example.amazonaws.com/',
    {},
    '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  ],
  [
    'the test suite’s get-vanilla-query-order-key-case',
    'service',
    'https://example.amazonaws.com/?Param2=value2&Param1=value1',
    {},
    'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  ],
];

for (const [title, service, url, headers, signature] of VECTORS) {
  test(`SigV4: ${title}`, async (t) => {
    const program = `
      import { AwsSigV4 } from ${JSON.stringify(example)};
      import { Request } from ${JSON.stringify(new URL('../../index.js', import.meta.url).href)};
      const now = () => new Date('2015-08-30T12:36:00Z');
      const auth = new AwsSigV4(${JSON.stringify(KEYS)}, { region: 'us-east-1', service: '${service}', now });
      const request = new Request('GET', '${url}', { headers: ${JSON.stringify(headers)} });
      auth.sign(request);
      console.log(request.headers.get('authorization').split('Signature=')[1]);`;
    const { stdout, stderr } = await startBare(t, program).ended;
    t.is(stderr, '');
    t.is(stdout.trim(), signature);
  });
}

test('SigV4: a request and its redirect are signed each for itself; the body is in the signature', async (t) => {
  const server = await serve(t, async (request, response) => {
    for await (const _ of request);
    if (request.url === '/a') response.writeHead(307, { location: '/b' }).end();
    else response.end('ok');
  });
  const program = `
    import { AwsSigV4 } from ${JSON.stringify(example)};
    import { Client } from ${JSON.stringify(new URL('../../index.js', import.meta.url).href)};
    const client = new Client({ auth: new AwsSigV4(${JSON.stringify(KEYS)}, { region: 'r', service: 's3' }) });
    const response = await client.put('${server.url}a', { content: (async function* () { yield 'x'; })() });
    console.log(response.statusCode);`;
  const { stdout, stderr } = await startBare(t, program).ended;
  t.is(stderr, '');
  t.is(stdout, '200\n');
  const [first, second] = server.requests.map(({ headers }) => String(headers.authorization));
  t.regex(
    first,
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/r\/s3\/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=[0-9a-f]{64}$/,
  );
  t.not(first, second);
  for (const { headers } of server.requests) {
    t.is(headers['content-length'], '1', 'what was read for the signature has a length');
    t.is(headers['transfer-encoding'], undefined);
  }
  t.is(
    server.requests[0].headers['x-amz-content-sha256'],
    '2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
  );
});

const PATHS: [sent: string, canonical: string][] = [
  ["/it's(1)!*", '/it%27s%281%29%21%2A'],
  ['/a+b', '/a%2Bb'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/%7Eme/%2Fx', '/~me/%2Fx'],
];

for (const [sent, canonical] of PATHS) {
  test(`SigV4 of S3: ${sent} is signed as ${canonical}`, async (t) => {
    const program = `
      import { AwsSigV4 } from ${JSON.stringify(example)};
      import { Request } from ${JSON.stringify(new URL('../../index.js', import.meta.url).href)};
      const now = () => new Date('2015-08-30T12:36:00Z');
      const auth = new AwsSigV4(${JSON.stringify(KEYS)}, { region: 'us-east-1', service: 's3', now });
      for (const path of ${JSON.stringify([sent, canonical])}) {
        const request = new Request('GET', 'https://b.s3.amazonaws.com' + path);
        auth.sign(request);
        console.log(request.headers.get('authorization'));
      }`;
    const { stdout, stderr } = await startBare(t, program).ended;
    t.is(stderr, '');
    const [first, second] = stdout.split('\n');
    t.is(first, second);
  });
}

test('aws-sigv4.js: the program', async (t) => {
  const server = await serve(t, (request, response) => response.end(request.headers.authorization?.split(',')[0]));
  const env = { AWS_ACCESS_KEY_ID: KEYS.accessKeyId, AWS_SECRET_ACCESS_KEY: KEYS.secretAccessKey };
  const [status, text] = await runExample(t, 'aws-sigv4.js', ['eu-west-1', 's3', server.url], { env });
  t.is(status, '200 OK');
  t.regex(text, /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/s3\/aws4_request$/);
});

/** Following redirects: which, how often, what goes along (httpx's table; rows L… and SEC-A…). */
import test from 'ava';
import { inspect } from 'node:util';
import {
  Client,
  DigestAuth,
  ReadTimeout,
  RemoteProtocolError,
  Request,
  StreamConsumed,
  TooManyRedirects,
  TotalTimeout,
  UnsupportedProtocol,
  type ClientOptions,
  type RequestOptions,
} from '../../src/index.js';
import { failure, openClient, reasonOf, told } from '../helpers/client.js';
import { serveNames } from '../helpers/names.js';
import { OK, serve, serveRaw } from '../helpers/server.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];
const becomes = (status: number, method: string): string => {
  if (method === 'HEAD' || status >= 307) return method;
  if (status === 301) return method === 'POST' ? 'GET' : method;
  return 'GET';
};

for (const status of [301, 302, 303, 307, 308]) {
  test(`L2 ${status}: method, body and content headers, for each method`, async (t) => {
    const server = await serve(t, async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      if (request.url === '/a') return response.writeHead(status, { location: '/b' }).end('gone');
      const { 'content-type': type, 'content-length': length, 'transfer-encoding': coding } = request.headers;
      response.end(JSON.stringify([request.method, body, type, length, coding]));
    });
    const client = openClient(t);
    for (const method of METHODS) {
      const hasBody = method !== 'GET' && method !== 'HEAD';
      const options: RequestOptions = hasBody ? { content: 'body', headers: { 'content-type': 'text/x' } } : {};
      const response = await client.request(method, `${server.url}a`, options);
      const expected = becomes(status, method);
      t.is(server.requests.at(-1)?.method, expected, method);
      if (expected !== 'HEAD') {
        const keeps = hasBody && expected === method;
        t.deepEqual(
          response.json(),
          keeps ? [method, 'body', 'text/x', '4', null] : [expected, '', null, null, null],
          method,
        );
      }
      t.is(response.history.length, 1);
      t.is(response.history[0].statusCode, status);
      t.is(response.url.toString(), `${server.url}b`);
    }
    t.is(server.connections(), 1, 'the bodies of redirects are read, and the connection serves again');
  });
}

test('a POST without a body stays one with Content-Length: 0 after 307', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/a') response.writeHead(307, { location: '/b' }).end();
    else response.end(request.headers['content-length']);
  });
  t.is(told(await openClient(t).post(`${server.url}a`)), '200 0');
});

const NOT_FOLLOWED: [title: string, status: number, location: string | undefined][] = [
  ['300', 300, '/b'],
  ['304', 304, '/b'],
  ['305', 305, '/b'],
  ['306', 306, '/b'],
  ['L4 302 without Location', 302, undefined],
  ['L36 an empty Location', 302, ''],
  ['201 with a Location', 201, '/b'],
];

for (const [title, status, location] of NOT_FOLLOWED) {
  test(`not followed: ${title}`, async (t) => {
    const server = await serve(t, (_, response) => {
      response.writeHead(status, location === undefined ? {} : { location }).end();
    });
    const response = await openClient(t).get(server.url);
    t.is(response.statusCode, status);
    t.is(response.nextRequest, null);
    t.is(server.requests.length, 1);
  });
}

/** From http://example.org/dir/page#frag; `null`: RemoteProtocolError. */
const LOCATIONS: [title: string, location: string, expected: string | null][] = [
  ['L7 /', '/', 'http://example.org/#frag'],
  ['relative', 'x?y=1', 'http://example.org/dir/x?y=1#frag'],
  ['dot segments', '../../x', 'http://example.org/x#frag'],
  ['only a query', '?y', 'http://example.org/dir/page?y#frag'],
  ['L8 //host', '//b.test/', 'http://b.test/#frag'],
  ['L9 a port without a host', 'http://:8080/', 'http://example.org:8080/#frag'],
  ['no host', 'https:///x', 'https://example.org/x#frag'],
  ['no place for a host', 'http:/x', 'http://example.org/x#frag'],
  ['a scheme and a path', 'http:x', 'http://example.org/dir/x#frag'],
  ['a scheme and dots', 'http:../x?y', 'http://example.org/x?y#frag'],
  ['a scheme alone', 'http:', 'http://example.org/dir/page#frag'],
  ['another scheme', 'https:/x', 'https://example.org/x#frag'],
  ['L12 its own fragment', '/x#mine', 'http://example.org/x#mine'],
  ['L25 the default port', 'http://example.org:80/x', 'http://example.org/x#frag'],
  ['L32 SEC-A19 userinfo', 'http://u:p@b.test/t', 'http://b.test/t#frag'],
  ['userinfo with an @', 'http://u:p%40@b.test/t', 'http://b.test/t#frag'],
  ['L35 a space', '/t x', 'http://example.org/t%20x#frag'],
  ['L35 UTF-8', Buffer.from('/té').toString('latin1'), 'http://example.org/t%C3%A9#frag'],
  ['L35 Latin-1', '/t\xe9', 'http://example.org/t%C3%A9#frag'],
  ['upper case', 'HTTP://B.TEST/X', 'http://b.test/X#frag'],
  ['L10 an emoji as host', Buffer.from('https://😇/').toString('latin1'), null],
  ['SEC-A19 a broken address', 'http://[::', null],
  ['SEC-A19 no port at all', 'http://b.test:port/', null],
  ['SEC-A19 a port too large', 'http://b.test:99999/', null],
  ['SEC-A19 //', '//', null],
  ['two of them', '/x\r\nLocation: http://b.test/', null],
  ['the same twice', '/x\r\nLocation: /x', 'http://example.org/x#frag'],
  ['SEC-A19 backslashes', '\\\\b.test\\x', null],
  ['SEC-A19 backslashes behind a scheme', 'http:\\\\b.test\\x', null],
  ['SEC-A19 one behind another scheme', 'HTTPS:/\\b.test/x', null],
  ['SEC-A19 a backslash within', '/x\\y', 'http://example.org/x\\y#frag'],
  ['SEC-A19 a backslash in the host', 'http://a.test\\@b.test/', null],
  ['SEC-A19 10 KB', `/${'x'.repeat(10_000)}`, `http://example.org/${'x'.repeat(10_000)}#frag`],
  ['SEC-A19 more than a URL may be', `/${'x'.repeat(70_000)}`, null],
];

const ON_A_PORT: [location: string, target: string][] = [
  ['http:/next', '/next'],
  ['http:next', '/dir/next'],
  ['http:///next', '/next'],
  ['HTTP:///next', '/next'],
  ['http:?q', '/dir/page?q'],
];

for (const [location, target] of ON_A_PORT) {
  test(`Location: ${location} on a server with a port`, async (t) => {
    const server = await serve(t, ({ url }, response) => {
      if (url === '/dir/page') response.writeHead(302, { location }).end();
      else response.end(url);
    });
    t.is(told(await openClient(t).get(`${server.origin}/dir/page`)), `200 ${target}`);
  });
}

test('303 leaves all that described the content behind', async (t) => {
  const server = await serve(t, ({ url, headers }, response) => {
    if (url === '/') response.writeHead(303, { location: '/next' }).end();
    else response.end(JSON.stringify(Object.keys(headers).sort()));
  });
  const headers = Object.fromEntries(
    ['Content-MD5', 'Content-Range', 'Content-Digest', 'Content-Disposition', 'Content-Location', 'Content-Whatever', 'Trailer', 'Digest', 'Repr-Digest', 'X-Content-Mine', 'Accept-Language'].map((name) => [name, 'x']),
  ); // prettier-ignore
  const response = await openClient(t).post(server.url, {
    content: 'x',
    headers: { ...headers, expect: '100-continue' },
  });
  t.deepEqual(response.json(), [
    'accept',
    'accept-encoding',
    'accept-language',
    'connection',
    'host',
    'user-agent',
    'x-content-mine',
  ]);
});

for (const [title, location, expected] of LOCATIONS) {
  test(`Location: ${title}`, async (t) => {
    const seen: string[] = [];
    const server = await serveRaw(t, (connection) => {
      void (async () => {
        for (;;) {
          const head = await connection.head();
          seen.push(head);
          const first = seen.length === 1;
          await connection.write(
            first ? `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n` : OK,
          );
        }
      })().catch(() => {});
    });
    // The same bytes, asked for under another name.
    const names = await serveNames(t, (_, response) => response.end('ok'));
    const client = openClient(t, {
      dispatch: {
        async send(request, options) {
          if (seen.length > 0) return names.dispatch.send(request, options);
          const first = new Request('GET', server.url);
          const { statusCode, headers } = await openClient(t).send(first, { followRedirects: false });
          const { Response } = await import('../../src/index.js');
          return new Response(statusCode, { headers, request });
        },
      },
    });
    const sent = client.get('http://example.org/dir/page#frag');
    if (expected === null) {
      const error = await failure(sent);
      t.true(error instanceof RemoteProtocolError, inspect(error));
      t.regex(reasonOf(error), /^RemoteProtocolError: Invalid URL in location header: /);
      t.true(error.message.length < 400);
      t.is(names.log.length, 0);
    } else {
      const response = await sent;
      t.is(response.url.toString(), expected);
      t.is(response.text, 'ok');
    }
  });
}

test('SEC-A19 a Location of 1 MB ends in an error, and the client goes on', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    const first = server.connections() === 1;
    const location = `Location: /${'x'.repeat(1 << 20)}\r\n`;
    await connection.write(first ? `HTTP/1.1 302 Found\r\n${location}Content-Length: 0\r\n\r\n` : OK);
  });
  const client = openClient(t);
  const error = await failure(client.get(server.url));
  t.true(error instanceof RemoteProtocolError, inspect(error));
  t.is(told(await client.get(server.url)), '200 ok');
});

test('L11 a bad Location is no error while redirects are not followed', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(303, { location: 'http://[::' }).end());
  const response = await openClient(t).get(server.url, { followRedirects: false });
  t.is(response.statusCode, 303);
  t.throws(() => response.nextRequest, { instanceOf: RemoteProtocolError });
});

for (const scheme of [
  'file:///etc/passwd',
  'unix:/run/x.sock:/',
  'ftp://b.test/',
  'data:,x',
  'javascript:1',
  'gopher://b.test/1',
]) {
  test(`SEC-A13 L44 ${scheme} is not gone to`, async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(302, { location: scheme }).end());
    const error = await failure(openClient(t).get(server.url));
    t.true(error instanceof UnsupportedProtocol, inspect(error));
    t.is(server.requests.length, 1);
    let asked = 0;
    const { Response } = await import('../../src/index.js');
    const client = openClient(t, {
      dispatch: {
        async send() {
          asked += 1;
          return new Response(302, { headers: { location: scheme } });
        },
      },
    });
    t.true((await failure(client.get('http://a.test/'))) instanceof UnsupportedProtocol);
    t.is(asked, 1);
  });
}

for (const [max, requests] of [
  [0, 1],
  [1, 2],
  [2, 3],
] as const) {
  test(`L16 SEC-A16 a loop with maxRedirects ${max}: ${requests} requests`, async (t) => {
    const server = await serve(t, (_, response) => response.writeHead(302, { location: '/' }).end());
    const error = (await failure(openClient(t, { maxRedirects: max }).get(server.url))) as TooManyRedirects;
    t.true(error instanceof TooManyRedirects);
    t.regex(reasonOf(error), /^TooManyRedirects: Exceeded maximum allowed redirects\./);
    t.is(error.response?.statusCode, 302);
    t.true(error.response?.isClosed);
    t.is(server.requests.length, requests);
  });
}

test('L15 20 redirects are followed, the 21st is not', async (t) => {
  const server = await serve(t, (request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end('ok');
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  });
  const client = openClient(t);
  const response = await client.get(`${server.url}20`);
  t.is(response.history.length, 20);
  t.deepEqual(
    response.history.map((each) => [each.history.length, each.url.path]),
    Array.from({ length: 20 }, (_, i) => [i, `/${20 - i}`]),
  );
  t.true((await failure(client.get(`${server.url}21`))) instanceof TooManyRedirects);
  t.is(server.connections(), 1);
});

test('SEC-A16 followRedirects: false, of the client, the request and send()', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(303, { location: '/b' }).end();
    else response.end(request.method);
  });
  const off = openClient(t, { followRedirects: false });
  t.is((await off.get(server.url)).statusCode, 303);
  t.is(told(await off.get(server.url, { followRedirects: true })), '200 GET');
  const on = openClient(t);
  t.is((await on.get(server.url, { followRedirects: false })).statusCode, 303);
  t.is((await on.send(on.buildRequest('GET', server.url), { followRedirects: false })).statusCode, 303);
  // L6: nextRequest, and sending it.
  const response = await on.post(server.url, { content: 'x', followRedirects: false });
  const next = response.nextRequest as Request;
  t.is(inspect(next), `<Request('GET', '${server.url}b')>`);
  const last = await on.send(next);
  t.is(told(last), '200 GET');
  t.is(last.nextRequest, null);
});

test('L5 HEAD is followed', async (t) => {
  const server = await serve(t, (request, response) => {
    response.writeHead(request.url === '/' ? 302 : 200, { location: '/b' }).end();
  });
  const response = await openClient(t).head(server.url);
  t.is(response.statusCode, 200);
  t.is(response.request.method, 'HEAD');
  t.is(response.text, '');
});

test('L29 SEC-A14 a stream that was sent cannot be sent again: the error names the redirect', async (t) => {
  const server = await serve(t, async (request, response) => {
    for await (const _ of request);
    response.writeHead(308, { location: '/next' }).end();
  });
  async function* body() {
    yield 'x';
  }
  const error = await failure(openClient(t).post(server.url, { content: body() }));
  t.true(error instanceof StreamConsumed, inspect(error));
  t.regex(error.message, /redirect 308 to http:.*\/next/);
});

for (const [title, content] of [
  ['bytes', Buffer.from('again')],
  ['a Blob', new Blob(['again'])],
  ['an array of pieces', [Buffer.from('ag'), Buffer.from('ain')]],
  ['text', 'again'],
] as [string, never][]) {
  test(`SEC-A14 307 sends ${title} again`, async (t) => {
    const server = await serve(t, async (request, response) => {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      if (request.url === '/') response.writeHead(307, { location: '/b' }).end();
      else response.end(body);
    });
    t.is(told(await openClient(t).post(server.url, { content })), '200 again');
  });
}

test('L39 stream(): the redirects are read to their end, the last body is left', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/b' }).end('small');
    else response.end('body');
  });
  const client = openClient(t);
  const response = await client.stream('GET', server.url);
  t.is(response.history[0].text, 'small');
  t.false(response.isClosed);
  t.is((await response.read()).toString(), 'body');
  t.is(server.connections(), 1);
  const first = await client.stream('GET', server.url, { followRedirects: false });
  t.is(first.headers.get('location'), '/b');
  await first.close();
});

test('stream(): a redirect with an endless body is given up, not read', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url !== '/') return response.end('ok');
    response.writeHead(302, { location: '/b' });
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536)));
      response.once('drain', more);
    };
    more();
  });
  const response = await openClient(t).stream('GET', server.url);
  t.is((await response.read()).toString(), 'ok');
  t.true(response.history[0].isClosed);
});

test('L41 fullPath is of the first request alone', async (t) => {
  const server = await serveRaw(t, ['HTTP/1.1 307 T\r\nLocation: /x?y\r\nContent-Length: 0\r\n\r\n', OK]);
  const client = openClient(t);
  const request = client.buildRequest('OPTIONS', server.url);
  request.url.fullPath = '*';
  await client.send(request);
  t.deepEqual(
    server.received[0].match(/^OPTIONS .*$/gm),
    ['OPTIONS * HTTP/1.1\r', 'OPTIONS /x?y HTTP/1.1\r'].map((line) => line.trim()),
  );
});

// Alone, so that their time is not spent on the other tests of this file.

test.serial('the total timeout is one for all hops, and its message has the limit that was given', async (t) => {
  const server = await serve(t, (_, response) => response.writeHead(302, { location: '/' }).end());
  const client = openClient(t, { maxRedirects: 1e9, timeout: { read: null, total: 1000 } });
  const error = await failure(client.get(server.url));
  t.true(error instanceof TotalTimeout, inspect(error));
  t.is(reasonOf(error), `TotalTimeout: ${server.origin} did not finish within 1000 ms in all`);
  t.true(server.requests.length > 1);
});

test.serial('the total timeout is over while the last body is read', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/b' }).end();
    else response.write('begun');
  });
  const client = openClient(t, { timeout: { read: null, total: 3000 } });
  const response = await client.stream('GET', server.url);
  const error = await failure(response.read());
  t.true(error instanceof TotalTimeout, inspect(error));
  t.is(reasonOf(error), `TotalTimeout: ${server.origin} did not finish within 3000 ms in all`);
});

test.serial('each hop has its own read timeout', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/b' }).end();
  });
  const error = await failure(openClient(t).get(server.url, { timeout: { read: 3000 } }));
  t.true(error instanceof ReadTimeout);
  t.is(server.requests.length, 2);
});

test('a signal ends it between hops', async (t) => {
  const controller = new AbortController();
  const server = await serve(t, (request, response) => {
    if (request.url === '/b') controller.abort(new Error('mine'));
    response.writeHead(302, { location: '/b' }).end();
  });
  const error = await failure(openClient(t).get(server.url, { signal: controller.signal }));
  t.is(error.message, 'mine');
});

// ── SEC-A: what goes along, by name ──

const SECRETS = { authorization: 'Bearer secret', cookie: 'c=secret', 'proxy-authorization': 'Basic secret' };

/** [from, to, whether Authorization goes along]. Cookie and Proxy-Authorization of the user never do. */
const HOPS: [title: string, from: string, to: string, keeps: boolean][] = [
  ['SEC-A1 L18 another host', 'http://a.test/', 'http://b.test/', false],
  ['the same origin', 'http://a.test/', 'http://a.test/x', true],
  ['L25 the same, with its port', 'http://a.test/', 'http://a.test:80/x', true],
  ['L19 http to https, default ports', 'http://a.test/', 'https://a.test/', true],
  ['L24 the same in capitals', 'HTTP://A.TEST:80/', 'https://a.test/', true],
  ['SEC-A3 L21 https to http', 'https://a.test/', 'http://a.test/', false],
  ['SEC-A3 https to http, same explicit port', 'https://a.test:8443/', 'http://a.test:8443/', false],
  ['SEC-A2 another port', 'http://a.test:8001/', 'http://a.test:8002/', false],
  ['L21 http:8080 to https', 'http://a.test:8080/', 'https://a.test/', false],
  ['L22 http to https between ports', 'http://a.test:9999/', 'https://a.test:1337/', false],
  ['L21 a subdomain', 'http://a.test/', 'http://sub.a.test/', false],
  ['the parent', 'http://sub.a.test/', 'http://a.test/', false],
  ['SEC-A5 evil-a.test', 'http://a.test/', 'http://evil-a.test/', false],
  ['SEC-A5 a.test.evil', 'http://a.test/', 'http://a.test.evil/', false],
  ['SEC-A5 xa.test', 'http://a.test/', 'http://xa.test/', false],
  ['SEC-A5 a.test.', 'http://a.test/', 'http://a.test./', false],
];

for (const [title, from, to, keeps] of HOPS) {
  test(`SEC-A7 ${title}: ${from} → ${to}`, async (t) => {
    const server = await serveNames(t, (_, response) => {
      if (server.log.length === 1) response.writeHead(302, { location: to }).end();
      else response.end('ok');
    });
    const client = openClient(t, { dispatch: server.dispatch, sensitiveHeaders: ['X-Api-Key'] });
    const sameOrigin = client.buildRequest('GET', from).url.origin === client.buildRequest('GET', to).url.origin;
    const response = await client.get(from, { headers: { ...SECRETS, 'x-api-key': 'secret', 'x-plain': '1' } });
    const { headers } = server.requests[1];
    t.is(headers.authorization, keeps ? SECRETS.authorization : undefined);
    t.is(headers.cookie, undefined);
    t.is(headers['proxy-authorization'], undefined, 'SEC-A7');
    t.is(headers['x-api-key'], sameOrigin ? 'secret' : undefined);
    t.is(headers['x-plain'], '1');
    t.is(headers.referer, undefined, 'SEC-A11');
    t.is(headers.host, response.url.netloc);
  });

  test(`auth= : ${title}: ${from} → ${to}`, async (t) => {
    const server = await serveNames(t, (_, response) => {
      if (server.log.length === 1) response.writeHead(302, { location: to }).end();
      else response.end('ok');
    });
    await openClient(t, { dispatch: server.dispatch }).get(from, { auth: ['u', 'p'] });
    const expected = keeps ? 'Basic dTpw' : undefined;
    t.deepEqual(
      server.requests.map(({ headers }) => headers.authorization),
      ['Basic dTpw', expected],
    );
  });
}

const CHAINS: [title: string, urls: string[], sees: (string | undefined)[]][] = [
  ['A→B→A', ['http://a.test/', 'http://b.test/', 'http://a.test/2'], ['s', undefined, undefined]],
  ['A→B→B', ['http://a.test/', 'http://b.test/', 'http://b.test/2'], ['s', undefined, undefined]],
  [
    'A→A→B→A',
    ['http://a.test/', 'http://a.test/1', 'http://b.test/', 'http://a.test/2'],
    ['s', 's', undefined, undefined],
  ],
];

for (const [title, urls, sees] of CHAINS) {
  for (const way of ['header', 'auth', 'client auth', 'URL'] as const) {
    test(`SEC-A4 ${title} with credentials by ${way}: dropped stays dropped`, async (t) => {
      const server = await serveNames(t, (_, response) => {
        const next = urls[server.log.length];
        if (next === undefined) response.end('ok');
        else response.writeHead(302, { location: next }).end();
      });
      const basic = 'Basic dTpw';
      const client = openClient(t, {
        dispatch: server.dispatch,
        ...(way === 'client auth' && { auth: ['u', 'p'] as const }),
      });
      const first = way === 'URL' ? urls[0].replace('//', '//u:p@') : urls[0];
      const response = await client.get(first, {
        ...(way === 'header' && { headers: { authorization: basic } }),
        ...(way === 'auth' && { auth: ['u', 'p'] as const }),
      });
      t.deepEqual(
        server.requests.map(({ headers }) => headers.authorization),
        sees.map((seen) => (seen === undefined ? undefined : basic)),
      );
      t.is(response.history.length, urls.length - 1);
      t.is(response.url.userinfo, '');
    });
  }
}

test('SEC-A9 L42 Digest for A: a challenge of B after the redirect is not answered', async (t) => {
  const server = await serveNames(t, (request, response) => {
    if (request.headers.host === 'a.test') response.writeHead(302, { location: 'http://b.test/' }).end();
    else response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth"' }).end();
  });
  const response = await openClient(t, { dispatch: server.dispatch }).get('http://a.test/', {
    auth: new DigestAuth('u', 'p'),
  });
  t.is(response.statusCode, 401);
  t.deepEqual(server.log, ['a.test GET /', 'b.test GET /']);
  t.true(server.requests.every(({ headers }) => headers.authorization === undefined));
});

test('SEC-M7 a flow of one’s own runs anew for each redirect within the origin', async (t) => {
  const server = await serveNames(t, (request, response) => {
    if (request.url === '/1') response.writeHead(302, { location: '/2' }).end();
    else if (request.url === '/2') response.writeHead(302, { location: 'http://b.test/3' }).end();
    else response.end('ok');
  });
  await openClient(t, { dispatch: server.dispatch }).get('http://a.test/1', {
    auth: (request) => {
      request.headers.set('authorization', `Sign ${request.url.fullPath}`);
      return request;
    },
  });
  t.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ['Sign /1', 'Sign /2', undefined],
  );
});

test('a hook that sent the request elsewhere: a relative Location is relative to there, and no credentials stay', async (t) => {
  const server = await serveNames(t, (request, response) => {
    if (request.url === '/') response.writeHead(302, { location: '/2' }).end();
    else response.end('ok');
  });
  let calls = 0;
  const client = openClient(t, {
    dispatch: server.dispatch,
    eventHooks: {
      request: [
        (request) => {
          if (calls++ > 0) return;
          request.url = request.url.copyWith({ host: 'b.test' });
          request.headers.set('host', 'b.test');
        },
      ],
    },
  });
  await client.get('http://a.test/', { headers: { authorization: 'x' } });
  t.deepEqual(server.log, ['b.test GET /', 'b.test GET /2']);
  t.is(server.requests[1].headers.authorization, undefined);
});

test('SEC-A18 a Host of one’s own stays within the origin and ends with it', async (t) => {
  const hosts: (string | undefined)[] = [];
  const b = await serve(t, (request, response) => {
    hosts.push(request.headers.host);
    response.end('ok');
  });
  const a = await serve(t, (request, response) => {
    hosts.push(request.headers.host);
    response.writeHead(302, { location: request.url === '/' ? '/2' : b.url }).end();
  });
  await openClient(t).get(a.url, { headers: { host: 'x.test' } });
  t.deepEqual(hosts, ['x.test', 'x.test', `127.0.0.1:${b.port}`]);
});

test('SEC-A12 what a request or a redirect changed does not stick to the client', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/r') response.writeHead(302, { location: `http://localhost:${server.port}/` }).end();
    else response.end(String(request.headers.authorization));
  });
  const client = openClient(t, { headers: { authorization: 'Bearer mine' } });
  t.is(told(await client.get(`${server.url}r`)), '200 undefined');
  t.is(told(await client.get(server.url, { headers: { authorization: 'other' } })), '200 other');
  t.is(told(await client.get(server.url)), '200 Bearer mine');
});

const BASE: ClientOptions = {
  baseUrl: 'http://a.test/api',
  headers: { 'x-key': 'secret' },
  auth: ['u', 'p'],
  cookies: { c: 'secret' },
};

test('SEC-A8 what a client has for its base URL does not follow a redirect to another origin', async (t) => {
  const server = await serveNames(t, (request, response) => {
    if (request.headers.host === 'a.test') response.writeHead(302, { location: 'http://b.test/' }).end();
    else response.end('ok');
  });
  await openClient(t, { ...BASE, dispatch: server.dispatch }).get('x');
  const [first, second] = server.requests.map(({ headers }) => headers);
  t.deepEqual([first['x-key'], first.authorization, first.cookie], ['secret', 'Basic dTpw', 'c=secret']);
  t.deepEqual([second['x-key'], second.authorization, second.cookie], [undefined, undefined, undefined]);
  t.regex(String(second['user-agent']), /^whippet/);
});

test('SEC-A20 an absolute URL to another origin gets nothing of what the client has for its base URL', async (t) => {
  const server = await serveNames(t, (_, response) => response.end('ok'));
  const client = openClient(t, { ...BASE, dispatch: server.dispatch });
  await client.get('http://b.test/x', { headers: { 'x-own': '1' }, cookies: { own: '1' } });
  const { headers } = server.requests[0];
  t.deepEqual(
    [headers['x-key'], headers.authorization, headers.cookie, headers['x-own'], headers.accept],
    [undefined, undefined, 'own=1', '1', '*/*'],
  );
  for (const url of ['//b.test/x', ' //b.test/x', '\\\\b.test', '/\\b.test']) {
    try {
      await client.get(url);
    } catch (error) {
      t.is((error as Error).name, 'InvalidURL', url);
      continue;
    }
    t.true(server.log.at(-1)?.startsWith('a.test '), url);
  }
});

test('SEC-A10 a bearer token for A, netrc for B: B gets neither', async (t) => {
  const server = await serveNames(t, (request, response) => {
    if (request.headers.host === 'a.test') response.writeHead(302, { location: 'http://b.test/' }).end();
    else response.end('ok');
  });
  const { writeNetRC } = await import('../helpers/environment.js');
  writeNetRC(t, 'machine b.test login l password p\ndefault login d password d\n');
  const client = openClient(t, { dispatch: server.dispatch });
  await client.get('http://a.test/', { headers: { authorization: 'Bearer secret' } });
  t.deepEqual(
    server.requests.map(({ headers }) => headers.authorization),
    ['Bearer secret', undefined],
  );
});

test('bad options for redirects', (t) => {
  const bad: [ClientOptions, RegExp][] = [
    [{ maxRedirects: -1 }, /^maxRedirects: -1 is not allowed/],
    [{ maxRedirects: 1.5 }, /^maxRedirects: 1\.5/],
    [{ maxRedirects: '3' as never }, /^maxRedirects: expected a number, got string/],
    [{ maxRedirects: null as never }, /^maxRedirects: expected a number, got null/],
    [{ followRedirects: 1 as never }, /^followRedirects: expected true or false, got number/],
    [{ sensitiveHeaders: 'x' as never }, /^sensitiveHeaders: expected a list/],
  ];
  for (const [options, message] of bad) t.throws(() => new Client(options), { message });
});

/** What servers send besides plain responses: interim responses, bodies that must not be, trailers, floods. */
import test from 'ava';
import { ReadError, RemoteProtocolError, ResponseTooLarge } from '../../src/index.js';
import { eventually, failure, gate, openClient, soon, told } from '../helpers/client.js';
import { OK, serveRaw } from '../helpers/server.js';

const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

// ── interim responses ──

test('1xx responses come before the final one and are told to onInformational', async (t) => {
  const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\nLink: </b.js>\r\n\r\n';
  const server = await serveRaw(t, `HTTP/1.1 100 Continue\r\n\r\n${hints}${OK}`);
  const client = openClient(t);
  const seen: unknown[] = [];
  const response = await client.get(server.url, {
    onInformational: (statusCode, headers) => seen.push([statusCode, headers.get('link')]),
  });
  t.is(told(response), '200 ok');
  t.deepEqual(seen, [
    [100, undefined],
    [103, '</a.css>, </b.js>'],
  ]);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 1 idle>');
});

test('1xx responses are skipped without onInformational', async (t) => {
  const server = await serveRaw(t, `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n${OK}`);
  const client = openClient(t);
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 1);
});

test('an interim response is told before the final one has come', async (t) => {
  let release = (): void => {};
  const told103 = new Promise<void>((resolve) => (release = resolve));
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    await told103;
    await connection.write(OK);
  });
  const response = await openClient(t).get(server.url, { onInformational: release });
  t.is(told(response), '200 ok');
});

test('what onInformational throws is what the request rejects with, and the connection is closed', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 103 Early Hints\r\n\r\n');
    await connection.closed;
  });
  const mine = new Error('mine');
  const onInformational = (): void => {
    throw mine;
  };
  t.is(await failure(openClient(t).get(server.url, { onInformational })), mine);
  await eventually('the server sees the connection close', () => server.openConnections() === 0);
});

test('SEC-J17 a flood of 1xx responses is an error', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    for (;;) await connection.write('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'.repeat(200));
  });
  const error = await failure(soon('the end of the flood', openClient(t).get(server.url)));
  t.true(error instanceof RemoteProtocolError, String(error));
});

test('SEC-J19 an unsolicited 101 is an error', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n');
  const client = openClient(t);
  const error = await failure(client.get(server.url));
  t.true(error instanceof RemoteProtocolError, String(error));
  t.regex(error.message, /101/);
  t.is(String(client.pool), '<Pool 0 active, 0 queued | 0 idle>');
});

// ── bodies that are none ──

const BODILESS: [title: string, method: string, answer: string, status: number][] = [
  ['HEAD with Content-Length', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 200],
  ['HEAD with Transfer-Encoding', 'HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 200],
  ['HEAD without any framing', 'HEAD', 'HTTP/1.1 200 OK\r\n\r\n', 200],
  ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204],
  ['204 with Content-Length', 'GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', 204],
  ['304 with Content-Length', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', 304],
  ['304 with Transfer-Encoding', 'GET', 'HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n', 304],
];

for (const [title, method, answer, status] of BODILESS) {
  test(`SEC-J15 ${title}: no body is waited for, and the connection is used again`, async (t) => {
    const server = await serveRaw(t, [answer, OK]);
    const client = openClient(t);
    const response = await client.request(method, server.url);
    t.is(told(response), `${status} `);
    t.is(told(await client.get(server.url)), '200 ok');
    t.is(server.connections(), 1);
  });

  test(`SEC-J15 ${title}, and yet a body: it is not taken for a response`, async (t) => {
    const poison = `${answer}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`;
    let first = true;
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      await connection.write(first ? poison : OK);
      first = false;
    });
    const client = openClient(t);
    const response = await client.request(method, server.url);
    t.is(told(response), `${status} `);
    t.is(told(await client.get(server.url)), '200 ok');
    t.is(server.connections(), 2);
  });
}

// ── ends that are none ──

const RESETS: [title: string, answer: string][] = [
  ['after the request', ''],
  ['inside the head', 'HTTP/1.1 200 OK\r\nX: '],
  ['before the end of Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc'],
  ['inside a chunk', `${CHUNKED}5\r\nabc`],
  ['of a body that the end of the connection delimits', 'HTTP/1.1 200 OK\r\n\r\nabc'],
];

for (const [title, answer] of RESETS) {
  test(`a reset ${title} is a ReadError`, async (t) => {
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      if (answer !== '') await connection.write(answer);
      // Not in the same moment: the kernel throws away what is not read yet.
      await new Promise((resolve) => setTimeout(resolve, 50));
      connection.reset();
    });
    const client = openClient(t);
    const error = await failure(client.get(server.url));
    t.true(error instanceof ReadError, String(error));
    t.is((error as ReadError).code, 'ECONNRESET');
    t.is((error as ReadError).request?.method, 'GET');
    t.is(client.pool.active, 0);
  });
}

test('what came before a body was cut is delivered, then the error', async (t) => {
  const come = gate();
  const server = await serveRaw(t, async (connection) => {
    await connection.request();
    await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc');
    await come.promise;
    connection.end();
  });
  const response = await openClient(t).stream('GET', server.url);
  const pieces: string[] = [];
  const error = await failure(
    (async () => {
      for await (const piece of response) {
        pieces.push(piece.toString());
        come.open();
      }
    })(),
  );
  t.is(pieces.join(''), 'abc');
  t.true(error instanceof RemoteProtocolError);
  t.regex(error.message, /received 3 bytes, expected 10/);
  t.true(response.isClosed);
});

// ── framing that two parties could read differently ──

test('SEC-J1 Transfer-Encoding wins over Content-Length, which is not shown, and the connection is not reused', async (t) => {
  const both = 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n';
  const server = await serveRaw(t, both);
  const client = openClient(t);
  const response = await client.get(server.url);
  t.is(told(response), '200 ok');
  t.false(response.headers.has('content-length'));
  t.is(told(await client.get(server.url)), '200 ok');
  t.is(server.connections(), 2);
});

// ── trailers ──

test('trailers: there after the body, buffered and streamed', async (t) => {
  const answer = `${CHUNKED}2\r\nok\r\n0\r\nX-Sum: 1\r\nX-Sum: 2\r\n\r\n`;
  const server = await serveRaw(t, answer);
  const client = openClient(t);
  const buffered = await client.get(server.url);
  t.is(told(buffered), '200 ok');
  t.deepEqual(buffered.trailers.getList('x-sum'), ['1', '2']);
  t.false(buffered.headers.has('x-sum'));
  const streamed = await client.stream('GET', server.url);
  t.is(streamed.trailers.size, 0);
  t.is((await streamed.read()).toString(), 'ok');
  t.deepEqual(streamed.trailers.getList('x-sum'), ['1', '2']);
  t.is(server.connections(), 1);
});

// ── fields ──

test('header values are Latin-1: a byte is a character', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 Gut\r\nX: caf\xe9\xa0\r\nContent-Length: 0\r\n\r\n');
  const response = await openClient(t).get(server.url);
  t.is(response.headers.get('x'), 'caf\xe9\xa0');
  t.is(response.reasonPhrase, 'Gut');
});

test('the order, repetition and spelling of headers', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nB: 1\r\na:2\r\nB: \t3 \r\nEmpty:\r\nContent-Length: 0\r\n\r\n');
  const { headers } = await openClient(t).get(server.url);
  t.is(headers.get('b'), '1, 3');
  t.is(headers.get('a'), '2');
  t.is(headers.get('empty'), '');
  t.deepEqual(headers.getList('B'), ['1', '3']);
});

test('SEC-J20 headers named as properties of Object.prototype are data', async (t) => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty'];
  const lines = names.map((name) => `${name}: mine\r\n`).join('');
  const server = await serveRaw(t, `HTTP/1.1 200 OK\r\n${lines}Content-Length: 2\r\n\r\nok`);
  const response = await openClient(t).get(server.url);
  t.is(told(response), '200 ok');
  for (const name of names) t.is(response.headers.get(name), 'mine');
  t.is(({} as { mine?: unknown }).mine, undefined);
});

// ── floods ──

const FLOODS: [title: string, answer: string][] = [
  ['SEC-J12 3,000 headers', `HTTP/1.1 200 OK\r\n${headers(3000)}Content-Length: 2\r\n\r\nok`],
  ['SEC-K1 10,000 headers', `HTTP/1.1 200 OK\r\n${headers(10_000)}Content-Length: 2\r\n\r\nok`],
  ['SEC-K1 a header of 1 MB', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(1 << 20)}\r\nContent-Length: 2\r\n\r\nok`],
  ['SEC-K2 a reason phrase of 1 MB', `HTTP/1.1 200 ${'x'.repeat(1 << 20)}\r\nContent-Length: 2\r\n\r\nok`],
  ['SEC-K3 100,000 headers of a byte', `HTTP/1.1 200 OK\r\n${'a:\r\n'.repeat(100_000)}Content-Length: 2\r\n\r\nok`],
  ['SEC-K4 16 MB of zeros before the size of a chunk', `${CHUNKED}${'0'.repeat(1 << 24)}2\r\nok\r\n0\r\n\r\n`],
  ['SEC-K4 16 MB of blanks behind the size of a chunk', `${CHUNKED}2${' '.repeat(1 << 24)}\r\nok\r\n0\r\n\r\n`],
  ['SEC-K4 a chunk extension of 16 MB', `${CHUNKED}2;${'x'.repeat(1 << 24)}\r\nok\r\n0\r\n\r\n`],
  ['SEC-K5 trailers of 16 MB', `${CHUNKED}2\r\nok\r\n0\r\n${`X: ${'x'.repeat(1000)}\r\n`.repeat(16_000)}\r\n`],
  ['SEC-J18 3,000 trailers', `${CHUNKED}2\r\nok\r\n0\r\n${headers(3000)}\r\n`],
];

for (const [title, answer] of FLOODS) {
  test(`${title}: an error, and the next request is served`, async (t) => {
    let first = true;
    const server = await serveRaw(t, async (connection) => {
      await connection.request();
      const bytes = first ? answer : OK;
      first = false;
      await connection.write(bytes);
    });
    const client = openClient(t);
    const error = await failure(soon('an error', client.get(server.url)));
    t.true(error instanceof RemoteProtocolError, String(error).slice(0, 200));
    t.true(error.message.length < 1000);
    t.is(told(await client.get(server.url)), '200 ok');
  });
}

test('99 headers, and a header of 60 KB, are no flood', async (t) => {
  const server = await serveRaw(
    t,
    `HTTP/1.1 200 OK\r\n${headers(98)}X: ${'x'.repeat(60_000)}\r\nContent-Length: 2\r\n\r\nok`,
  );
  const response = await openClient(t).get(server.url);
  t.is(told(response), '200 ok');
  t.is(response.headers.get('x')?.length, 60_000);
});

// ── maxResponseSize ──

const SIZES: [title: string, answer: string, limit: number | null, fits: boolean][] = [
  ['a declared length over it', 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890', 10, false],
  ['a declared length of exactly it', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789', 10, true],
  ['chunks over it', `${CHUNKED}6\r\n012345\r\n6\r\n012345\r\n0\r\n\r\n`, 10, false],
  ['chunks of exactly it', `${CHUNKED}5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n`, 10, true],
  ['any body at 0', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx', 0, false],
  ['no body at 0', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 0, true],
  ['no limit', 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890', null, true],
];

for (const [title, answer, maxResponseSize, fits] of SIZES) {
  for (const progress of [false, true]) {
    test(`SEC-K9 maxResponseSize: ${title}${progress ? ', with progress' : ''}`, async (t) => {
      const server = await serveRaw(t, answer);
      const client = openClient(t, { maxResponseSize });
      const options = progress ? { onDownloadProgress: () => {} } : {};
      if (fits) {
        t.is((await client.get(server.url, options)).statusCode, 200);
        return;
      }
      const error = await failure(client.get(server.url, options));
      t.true(error instanceof ResponseTooLarge, String(error));
      t.is((error as ResponseTooLarge).code, 'ERR_RESPONSE_TOO_LARGE');
      t.is(
        error.message,
        `GET ${server.url}: the response is larger than maxResponseSize (${maxResponseSize} bytes); for a body of that size use client.stream() or client.download()`,
      );
      await eventually('the connection is given back', () => client.pool.active === 0);
    });
  }
}

test('maxResponseSize: a declared length is refused at the head, an endless body at the limit', async (t) => {
  const server = await serveRaw(t, async (connection) => {
    const { head } = await connection.request();
    if (head.startsWith('GET /declared '))
      await connection.write('HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n');
    else for (await connection.write(CHUNKED); ;) await connection.write(`400\r\n${'x'.repeat(1024)}\r\n`);
    await connection.closed;
  });
  const client = openClient(t, { maxResponseSize: 100_000 });
  for (const path of ['declared', 'endless']) {
    t.true((await failure(soon(path, client.get(server.url + path)))) instanceof ResponseTooLarge);
  }
});

const WITHOUT_BODY: [title: string, method: string, status: string][] = [
  ['HEAD', 'HEAD', '200 OK'],
  ['HEAD of what is missing', 'HEAD', '404 Not Found'],
  ['304', 'GET', '304 Not Modified'],
  ['204', 'GET', '204 No Content'],
];

for (const [title, method, status] of WITHOUT_BODY) {
  test(`SEC-K8 maxResponseSize: ${title} declares the length of a body that does not come`, async (t) => {
    const server = await serveRaw(t, `HTTP/1.1 ${status}\r\nContent-Length: 5000000000\r\n\r\n`);
    const told: unknown[] = [];
    const onDownloadProgress = (...numbers: unknown[]) => told.push(numbers);
    for (const hooks of [{}, { eventHooks: { response: [() => {}] } }]) {
      const client = openClient(t, { maxResponseSize: 10, ...hooks });
      for (const options of [{}, { onDownloadProgress }]) {
        const response = await client.request(method, server.url, options);
        t.deepEqual([response.content.length, response.headers.get('content-length')], [0, '5000000000']);
      }
      const streamed = await client.stream(method, server.url);
      t.is((await streamed.read()).length, 0);
      t.is(String(client.pool), '<Pool 0 active, 0 queued | 1 idle>');
    }
    t.deepEqual(told, []);
  });
}

test('maxResponseSize is 256 MiB by default', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 268435457\r\n\r\n');
  for (const options of [{}, { onDownloadProgress: () => {} }]) {
    const error = await failure(openClient(t).get(server.url, options));
    t.regex(error.message, /larger than maxResponseSize \(268435456 bytes\)/);
  }
});

test('maxResponseSize does not hold for streams', async (t) => {
  const server = await serveRaw(t, 'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n01234567890');
  const response = await openClient(t, { maxResponseSize: 1 }).stream('GET', server.url);
  t.is((await response.read()).length, 11);
});

function headers(count: number): string {
  return Array.from({ length: count }, (_, i) => `X-${i}: ${i}\r\n`).join('');
}

const PHRASES: [line: string, phrase: string][] = [
  ['200 OK', 'OK'],
  ['200 Gut', 'Gut'],
  ['203 Non Authoritative Information', 'Non Authoritative Information'],
  ['203 Non-Authoritative Information', 'Non-Authoritative Information'],
  ['413 Payload Too Large', 'Payload Too Large'],
  ['413 Content Too Large', 'Content Too Large'],
  ['413 Request Entity Too Large', 'Request Entity Too Large'],
  ['414 URI Too Long', 'URI Too Long'],
  ['414 Request-URI Too Long', 'Request-URI Too Long'],
  ['416 Range Not Satisfiable', 'Range Not Satisfiable'],
  ['416 Requested Range Not Satisfiable', 'Requested Range Not Satisfiable'],
  ['418 Short and stout', 'Short and stout'],
  ['599 ', ''],
];

for (const [line, phrase] of PHRASES) {
  test(`reasonPhrase of ${line}`, async (t) => {
    const server = await serveRaw(t, `HTTP/1.1 ${line}\r\nContent-Length: 0\r\n\r\n`);
    t.is((await openClient(t).get(server.url)).reasonPhrase, phrase);
    const streamed = await openClient(t).stream('GET', server.url);
    t.is(streamed.reasonPhrase, phrase);
    await streamed.close();
  });
}

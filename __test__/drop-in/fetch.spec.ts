/**
 * fetch programs, run by Node's fetch and by ours against the same servers: what they see is compared. A row is a program; what it
 * returns or rejects with is what counts.
 */
import test from 'ava';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { runInNewContext } from 'node:vm';
import { FormData as UndiciFormData } from 'undici';
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer } from 'node:net';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { fetch as ours } from '../../src/index.js';

type Fetch = typeof globalThis.fetch;
type Program = (fetch: Fetch, at: Places) => unknown;

interface Places {
  /** The server, and one of another origin. */
  url: string;
  other: string;
  /** One that speaks no sense, by path. */
  raw: string;
  /** Where nothing listens. */
  dead: string;
}

const node = globalThis.fetch;
const bytes = (...list: number[]) => new Uint8Array(list);
const own = new Error('enough');

// ── the servers ──

const BODIES: Record<string, [type: string, body: string | Uint8Array, coding?: string]> = {
  json: ['application/json', '{"a":[1,null,"é"]}'],
  'bad-json': ['application/json', '{"a":'],
  bom: ['text/plain', bytes(0xef, 0xbb, 0xbf, 0x61)],
  'bom-json': ['application/json', bytes(0xef, 0xbb, 0xbf, 0x31)],
  empty: ['text/plain', ''],
  latin1: ['text/plain; charset=iso-8859-1', bytes(0xe9, 0x41)],
  utf16: ['text/plain; charset=utf-16', bytes(0xff, 0xfe, 0x41, 0)],
  form: ['application/x-www-form-urlencoded', 'a=1&b=%C3%A9+x&a=2'],
  multipart: [
    'multipart/form-data; boundary=x',
    '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--\r\n',
  ],
  'bad-multipart': ['multipart/form-data; boundary=x', 'nothing of the kind'],
  untyped: ['', 'x'],
  gzip: ['text/plain', gzipSync('zipped'), 'gzip'],
  'x-gzip': ['text/plain', gzipSync('zipped'), 'x-gzip'],
  deflate: ['text/plain', deflateSync('zipped'), 'deflate'],
  br: ['text/plain', brotliCompressSync('zipped'), 'br'],
  twice: ['text/plain', brotliCompressSync(gzipSync('zipped')), 'gzip, br'],
  unknown: ['text/plain', 'as it is', 'tea'],
  large: ['application/octet-stream', Buffer.alloc(300_000, 'x')],
};

const SEEN = [
  'content-type',
  'content-length',
  'transfer-encoding',
  'authorization',
  'cookie',
  'range',
  'accept',
  'cache-control',
  'pragma',
  'sec-fetch-mode',
  'referer',
  'x-own',
  'x-two',
];

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const url = new URL(req.url as string, 'http://server');
  const [, route, name] = url.pathname.split('/');
  if (['redirect', 'status', 'loop'].includes(route) && !/^\d+$/.test(name)) {
    res.writeHead(500).end('no number');
  } else if (route === 'body') {
    const [type, body, coding] = BODIES[name];
    if (type !== '') res.setHeader('content-type', type);
    if (coding !== undefined) res.setHeader('content-encoding', coding);
    res.end(body);
  } else if (route === 'status') {
    res.writeHead(Number(name), { 'x-status': name });
    res.end(['204', '205', '304'].includes(name) ? undefined : `status ${name}`);
  } else if (route === 'redirect') {
    await read(req);
    const policy = url.searchParams.get('policy');
    res.writeHead(Number(name), {
      location: url.searchParams.get('to') ?? '',
      ...(policy === null ? {} : { 'referrer-policy': policy }),
    });
    res.end('moved');
  } else if (route === 'astray') {
    const to = url.searchParams.get('to');
    res.writeHead(Number(name), to === null ? {} : { location: to }).end('moved');
  } else if (route === 'loop') {
    const left = Number(name);
    res.writeHead(left === 0 ? 200 : 302, left === 0 ? {} : { location: `/loop/${left - 1}` }).end(name);
  } else if (route === 'headers') {
    res.writeHead(200, [
      'Set-Cookie',
      'a=1',
      'X-Dup',
      'one',
      'Set-Cookie',
      'b=2',
      'X-Dup',
      'two',
      'X-Empty',
      '',
      'ETag',
      '"x"',
    ]);
    res.end('headers');
  } else if (route === 'silent') {
    req.resume();
  } else if (route === 'half') {
    res.writeHead(200, { 'content-length': '10' });
    res.write('half');
  } else {
    const body = await read(req);
    const headers = Object.fromEntries(SEEN.map((each) => [each, req.headers[each]]));
    const type = headers['content-type'];
    if (typeof type === 'string') headers['content-type'] = type.replace(/boundary=.*/, 'boundary');
    const isForm = typeof type === 'string' && type.startsWith('multipart/');
    const boundary = /boundary=(.*)/.exec(String(type))?.[1] ?? '';
    res.setHeader('content-type', 'application/json');
    const shown = isForm ? body.replaceAll(boundary, 'boundary').replaceAll('-'.repeat(6), '--') : body;
    if (isForm) delete headers['content-length'];
    res.end(JSON.stringify({ method: req.method, url: req.url, headers, body: isForm ? fieldsOf(shown) : shown }));
  }
}

async function read(req: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of req) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('latin1');
}

/** What a multipart body says, however its boundary and its lines' order are. */
function fieldsOf(body: string): string[] {
  const part = /name="([^"]*)"(?:; filename="([^"]*)")?(?:\r\nContent-Type: (.*))?\r\n\r\n([^]*?)\r\n-/g;
  return [...body.matchAll(part)].map((match) => match.slice(1).join('|'));
}

const RAW: Record<string, string | null> = {
  '/garbage': 'nothing of the kind\r\n\r\n',
  '/cut': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
  '/cut-chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
  '/until-close': 'HTTP/1.1 200 Fine by me\r\nConnection: close\r\n\r\nuntil the end',
  '/relative': 'HTTP/1.1 302 Found\r\nLocation: garbage\r\nContent-Length: 0\r\n\r\n',
  '/closes': '',
  '/resets': null,
};

/** For all programs: a port that is used again would meet what Node's own fetch has kept of it. */
const servers = [0, 1].map(() => createServer((req, res) => void answer(req, res).catch(() => res.destroy())));
const rawServer = createTcpServer((socket) => {
  socket.on('error', () => {});
  socket.once('data', (head) => {
    const script = RAW[String(head).split(' ')[1]];
    if (script === null) socket.resetAndDestroy();
    else socket.end(script);
  });
});

async function originOf(server: Server | TcpServer): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const at: Places = {
  url: await originOf(servers[0]),
  other: await originOf(servers[1]),
  raw: await originOf(rawServer),
  dead: 'http://127.0.0.1:2',
};

test.after.always(() => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
  rawServer.close();
});

// ── the programs ──

const programs: [title: string, program: Program][] = [];
const add = (title: string, program: Program) => void programs.push([title, program]);

/** All that is to be seen of a response. */
async function shown(response: Response, { url, other }: Places): Promise<unknown> {
  const { status, statusText, ok, redirected, type, bodyUsed } = response;
  const place = response.url.replace(url, 'URL').replace(other, 'OTHER');
  return {
    status,
    statusText,
    ok,
    redirected,
    type,
    bodyUsed,
    place,
    hasBody: response.body !== null,
    text: await response.text(),
  };
}

for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
  for (const status of [301, 302, 303, 307, 308]) {
    for (const where of ['url', 'other'] as const) {
      add(`${method}, ${status} to ${where}`, async (fetch, at) => {
        const to = encodeURIComponent(`${at[where]}/echo`);
        const headers = { authorization: 'Basic x', cookie: 'a=b', 'x-own': '1', 'content-type': 'a/b' };
        const body = method === 'GET' || method === 'HEAD' ? undefined : 'body';
        return shown(await fetch(`${at.url}/redirect/${status}?to=${to}`, { method, headers, body }), at);
      });
    }
  }
}

for (const redirect of ['follow', 'manual', 'error'] as const) {
  for (const status of [300, 301, 302, 303, 304, 305, 307, 308]) {
    add(`redirect: ${redirect}, ${status}`, async (fetch, at) =>
      shown(await fetch(`${at.url}/redirect/${status}?to=/echo%23part`, { redirect }), at),
    );
  }
}

const LOCATIONS = [
  '/echo',
  'echo?q=1',
  '?q=1',
  '#part',
  '//OTHER/echo',
  'OTHER/echo',
  'ftp://x/',
  'mailto:x',
  'http://',
  'data:,x',
  '/é',
  'http://u:p@OTHER/echo',
  '/redirect/302?to=/echo',
  '/a b',
  '',
];
for (const location of LOCATIONS) {
  add(`Location: ${location}`, async (fetch, at) => {
    const to = location.replace(/^(http:\/\/u:p@|\/\/)?OTHER/, (_, before = 'http://') => before + at.other.slice(7));
    return shown(
      await fetch(`${at.url}/redirect/302?to=${encodeURIComponent(Buffer.from(to).toString('latin1'))}#own`),
      at,
    );
  });
}
for (const count of [1, 19, 20, 21])
  add(`${count} redirects`, async (fetch, at) => shown(await fetch(`${at.url}/loop/${count}`), at));
add(
  'a stream behind a 307',
  async (fetch, at) =>
    (
      await fetch(`${at.url}/redirect/307?to=/echo`, {
        method: 'POST',
        body: new Blob(['x']).stream(),
        duplex: 'half',
      } as RequestInit)
    ).status,
);
add('a stream behind a 303', async (fetch, at) =>
  shown(
    await fetch(`${at.url}/redirect/303?to=/echo`, {
      method: 'POST',
      body: new Blob(['x']).stream(),
      duplex: 'half',
    } as RequestInit),
    at,
  ),
);
add('a Request with a text behind a 307', async (fetch, at) =>
  shown(await fetch(new Request(`${at.url}/redirect/307?to=/echo`, { method: 'POST', body: 'x' })), at),
);

for (const status of [
  200, 201, 202, 203, 204, 205, 206, 300, 304, 400, 401, 403, 404, 407, 410, 418, 421, 425, 429, 451, 500, 501, 503,
  511, 599,
]) {
  for (const method of ['GET', 'HEAD', 'POST']) {
    add(`${method}: status ${status}`, async (fetch, at) =>
      shown(await fetch(`${at.url}/status/${status}`, { method }), at),
    );
  }
}

const SENT: Record<string, () => unknown> = {
  'a text': () => 'text',
  'no text': () => '',
  'a text beyond ASCII': () => 'é€😀',
  'half a character': () => 'a\ud800b',
  URLSearchParams: () => new URLSearchParams({ a: 'é', b: '1 2' }),
  'no URLSearchParams': () => new URLSearchParams(),
  'a Blob': () => new Blob(['blob'], { type: 'a/b' }),
  'a Blob without type': () => new Blob(['blob']),
  'a File': () => new File(['file'], 'x.txt', { type: 'text/plain' }),
  bytes: () => bytes(1, 200),
  'no bytes': () => bytes(),
  'a part of bytes': () => bytes(1, 2, 3).subarray(1, 2),
  'an ArrayBuffer': () => bytes(1, 2).buffer,
  'a DataView': () => new DataView(bytes(1, 2, 3).buffer, 1),
  'a Buffer': () => Buffer.from('buffer'),
  FormData: () => form(),
  'FormData of files': () => form(new File(['file'], 'ä "x".txt', { type: 'text/plain' })),
  'FormData of a file without a type': () => form(new File(['file'], 'a.txt')),
  'no FormData': () => new FormData(),
  'bytes of another realm': () => runInNewContext('new Uint8Array([1, 2])'),
  'an ArrayBuffer of another realm': () => runInNewContext('new Uint8Array([1, 2]).buffer'),
  'FormData of undici': () => {
    const data = new UndiciFormData();
    data.append('a', '1');
    return data;
  },
  'a number': () => 5,
  'an object': () => ({}),
  null: () => null,
  undefined: () => undefined,
};
for (const [what, make] of Object.entries(SENT)) {
  for (const method of ['POST', 'PUT', 'DELETE', 'GET', 'HEAD']) {
    add(`${method} of ${what}`, async (fetch, at) =>
      (await fetch(`${at.url}/echo`, { method, body: make() as never })).text(),
    );
  }
  add(`a Request of ${what}`, async (fetch, at) =>
    (await fetch(new Request(`${at.url}/echo`, { method: 'POST', body: make() as never }))).text(),
  );
  // Of a form the boundary would be seen.
  if (/FormData/.test(what)) continue;
  add(`${what}, with a type of its own`, async (fetch, at) =>
    (
      await fetch(`${at.url}/echo`, {
        method: 'POST',
        body: make() as never,
        headers: { 'Content-Type': 'own/type' },
      })
    ).text(),
  );
}

function form(file?: File): FormData {
  const data = new FormData();
  data.append('a', '1');
  data.append('b', 'é\n');
  if (file !== undefined) data.append('c', file);
  return data;
}

const STREAMS: Record<string, () => unknown> = {
  'a stream': () => new Blob(['str', 'eam']).stream(),
  'an async generator': async function* () {
    yield Buffer.from('gen');
    yield Buffer.from('erator');
  },
  'a stream of text': () => ReadableStream.from(['text']),
  'a stream that fails': () => new ReadableStream({ pull: (controller) => controller.error(own) }),
};
for (const [what, make] of Object.entries(STREAMS)) {
  for (const duplex of ['half', undefined, 'full']) {
    add(`${what}, duplex ${duplex}`, async (fetch, at) => {
      const body = make() as never;
      return (await fetch(`${at.url}/echo`, { method: 'POST', body, duplex } as RequestInit)).text();
    });
  }
}
add('a locked stream', async (fetch, at) => {
  const body = new Blob(['x']).stream();
  body.getReader();
  return fetch(at.url, { method: 'POST', body, duplex: 'half' } as RequestInit);
});
add('a stream that was read', async (fetch, at) => {
  const body = new Blob(['x']).stream();
  for await (const _ of body);
  return fetch(at.url, { method: 'POST', body, duplex: 'half' } as RequestInit);
});
add('a Request that was used', async (fetch, at) => {
  const request = new Request(`${at.url}/echo`, { method: 'POST', body: 'x' });
  await fetch(request);
  return [request.bodyUsed, await outcome(async () => fetch(request))];
});

const READERS = ['text', 'json', 'arrayBuffer', 'blob', 'formData'] as const;
for (const name of Object.keys(BODIES)) {
  for (const reader of READERS) {
    add(`${reader}() of ${name}`, async (fetch, at) => {
      const response = await fetch(`${at.url}/body/${name}`);
      const value: unknown = await response[reader]();
      const used = [response.bodyUsed, response.body?.locked];
      if (value instanceof ArrayBuffer)
        return [value.byteLength, Buffer.from(value).toString('latin1').slice(0, 100), used];
      if (value instanceof Blob) return [value.type, value.size, (await value.text()).slice(0, 100), used];
      if (value instanceof FormData) return [[...value], used];
      return [String(JSON.stringify(value)).slice(0, 100), used];
    });
  }
}

const STATES: Record<string, (response: Response) => unknown> = {
  'instanceof, tag and constructor': (r) => [
    r instanceof Response,
    String(r),
    r.constructor === Response,
    Object.keys(r),
  ],
  'headers are Headers': (r) => [r.headers instanceof Headers, String(r.headers), r.headers === r.headers],
  'all headers': (r) =>
    [...r.headers].filter(([name]) => !/^(date|connection|keep-alive|transfer-encoding)$/.test(name)),
  'a header': (r) => [r.headers.get('X-DUP'), r.headers.get('none'), r.headers.has('etag'), r.headers.get('x-empty')],
  getSetCookie: (r) => r.headers.getSetCookie(),
  'set of a header': (r) => r.headers.set('a', 'b'),
  'append of a header': (r) => r.headers.append('a', 'b'),
  'delete of a header': (r) => r.headers.delete('etag'),
  'a copy of the headers': (r) => new Headers(r.headers).get('x-dup'),
  'setting a member': (r) => ((r as { status: number }).status = 5),
  'read twice': async (r) => [await r.text(), await r.text()],
  'read twice at once': async (r) => Promise.all([r.text(), r.text()]),
  'json behind text': async (r) => [await r.text(), await r.json()],
  'bodyUsed before and behind': async (r) => [r.bodyUsed, await r.text(), r.bodyUsed],
  'body is one object': (r) => r.body === r.body,
  'body, byob': async (r) => {
    const reader = (r.body as ReadableStream).getReader({ mode: 'byob' });
    const { done, value } = await reader.read(new Uint8Array(3));
    return [done, Buffer.from(value as Uint8Array).toString()];
  },
  'body, by a loop': async (r) => {
    let text = '';
    for await (const piece of r.body as ReadableStream<Uint8Array>)
      text += [piece.constructor.name, Buffer.from(piece)].join();
    return [text, r.bodyUsed, r.body?.locked];
  },
  'a locked body': async (r) => {
    r.body?.getReader();
    return [r.bodyUsed, await outcome(async () => r.text()), await outcome(async () => r.clone())];
  },
  'a body that was cancelled': async (r) => [await r.body?.cancel(), r.bodyUsed, await outcome(async () => r.text())],
  'text behind a look at the body': async (r) => [r.body?.locked, await r.text()],
  'clone, both read': async (r) => {
    const copy = r.clone();
    return [
      copy instanceof Response,
      copy.status,
      copy.url === r.url,
      copy.headers.get('etag'),
      await r.text(),
      await copy.text(),
    ];
  },
  'clone of a clone': async (r) => {
    const [one, two] = [r.clone(), r.clone().clone()];
    return Promise.all([two.text(), one.text(), r.text()]);
  },
  'clone when it was read': async (r) => [await r.text(), r.clone()],
  'clone, the original first': async (r) => {
    const copy = r.clone();
    return [await r.text(), r.bodyUsed, copy.bodyUsed, await copy.text()];
  },
  'a Response of its parts': async (r) => {
    const made = new Response(r.body, r);
    return [made.status, made.statusText, made.headers.get('etag'), await made.text(), r.bodyUsed];
  },
  'its members are read by a destructuring': ({ status, ok, url, type }) => [status, ok, typeof url, type],
  'a member of the prototype': (r) => ['status' in r, 'json' in r, Object.hasOwn(r, 'status')],
};
for (const [what, look] of Object.entries(STATES)) {
  add(`a response: ${what}`, async (fetch, at) => look(await fetch(`${at.url}/headers`)));
}
add('clone without a body', async (fetch, at) => {
  const response = await fetch(`${at.url}/status/204`);
  return [
    response.clone().body,
    await response.clone().text(),
    await response.text(),
    await response.text(),
    response.bodyUsed,
  ];
});

const BAD: Record<string, (at: Places) => unknown[]> = {
  nothing: () => [],
  'no text': () => [''],
  'a path': () => ['/x'],
  'no URL': () => ['nope'],
  'no host': () => ['http://'],
  'a bad port': () => ['http://h:99999/'],
  'a blocked port': () => ['http://127.0.0.1:25/'],
  'another blocked port': () => ['http://127.0.0.1:6000/'],
  credentials: () => ['http://u:p@127.0.0.1/'],
  'another scheme': () => ['ftp://127.0.0.1/'],
  'an unknown scheme': () => ['nope://127.0.0.1/'],
  'file:': () => ['file:///etc/passwd'],
  'javascript:': () => ['javascript:1'],
  'a number': () => [5],
  null: () => [null],
  'an object': () => [{}],
  'a symbol': () => [Symbol('x')],
  'init that is a text': ({ url }) => [url, 'x'],
  'init that is null': ({ url }) => [`${url}/echo`, null],
  ...Object.fromEntries(
    ['TRACE', 'CONNECT', 'TRACK', 'trace', 'b@d', '', 'get', 'post', 'PURGE', 5, null].map((method) => [
      `method ${method}`,
      ({ url }: Places) => [`${url}/echo`, { method }],
    ]),
  ),
  ...Object.fromEntries(
    [
      { 'b d': '1' },
      { '': '1' },
      { a: 'x\ny' },
      { a: 'x\0' },
      { a: 'ü€' },
      { 'x-own': ' 1 ' },
      { 'x-own': 5 },
      { 'x-own': undefined },
      { 'x-own': ['1', '2'] },
      [
        ['x-own', '1'],
        ['X-Own', '2'],
      ],
      [['x-own']],
      [['a', 'b', 'c']],
      5,
      'x-own: 1',
      null,
      new Map([['x-own', '1']]),
      { 'x-own': 'é' },
      { 'x-own': '' },
      { 'x-own': '\t' },
      { [Symbol('x')]: '1' },
      { 'content-type': '' },
    ].map((headers, i) => [`headers ${i}: ${describe(headers)}`, ({ url }: Places) => [`${url}/echo`, { headers }]]),
  ),
  ...Object.fromEntries(
    [
      { redirect: 'x' },
      { mode: 'x' },
      { mode: 'navigate' },
      { mode: 'no-cors' },
      { mode: 'same-origin' },
      { credentials: 'x' },
      { credentials: 'omit' },
      { cache: 'x' },
      { cache: 'only-if-cached' },
      { cache: 'no-store' },
      { cache: 'no-cache' },
      { cache: 'reload' },
      { cache: 'force-cache' },
      { cache: 'no-cache', headers: { 'Cache-Control': 'own' } },
      { cache: 'reload', headers: { 'Cache-Control': 'own', Pragma: 'own' } },
      { headers: { 'If-None-Match': '"x"' } },
      { cache: 'no-cache', headers: { 'If-Range': '"x"' } },
      { integrity: 'x' },
      { integrity: 5 },
      { keepalive: true },
      { referrer: 'nope' },
      { referrer: '' },
      { referrerPolicy: 'x' },
      { signal: {} },
      { signal: 'x' },
      { signal: null },
      { window: 5 },
      { window: null },
      { duplex: 'x' },
      { priority: 'high' },
      { unknown: 1 },
      { method: 'POST', body: 'x', duplex: 'half' },
    ].map((init) => [`init ${describe(init)}`, ({ url }: Places) => [`${url}/echo`, init]]),
  ),
};
for (const [what, args] of Object.entries(BAD)) {
  add(`input: ${what}`, async (fetch, at) => {
    const response = await (fetch as (...args: unknown[]) => Promise<Response>)(...args(at));
    return [response.status, await response.text()];
  });
}

const digest = (algorithm: string, text: string) =>
  `${algorithm}-${createHash(algorithm).update(text).digest('base64')}`;
const [right, wrong] = [BODIES.json[1] as string, 'another'];
const DIGESTS: Record<string, string> = {
  'the digest': digest('sha256', right),
  'another one': digest('sha256', wrong),
  'one of two': `${digest('sha384', wrong)} ${digest('sha384', right)}`,
  'a strong one that is wrong': `${digest('sha256', right)} ${digest('sha512', wrong)}`,
  'a strong one that is right': `${digest('sha256', wrong)} ${digest('sha512', right)}`,
  'none that is known': 'md5-AAAA',
  nothing: '',
};
for (const [what, integrity] of Object.entries(DIGESTS)) {
  add(`integrity of ${what}`, async (fetch, at) => (await fetch(`${at.url}/body/json`, { integrity })).text());
}

const INPUTS: Record<string, (at: Places) => [input: unknown, init?: RequestInit]> = {
  'a URL': ({ url }) => [new URL(`${url}/echo?a=1#b`)],
  'a URL with blanks': ({ url }) => [`  ${url}/echo \n`],
  'a URL in capitals': ({ url }) => [`${url.replace('http', 'HTTP')}/echo`],
  'a URL with dots': ({ url }) => [`${url}/x/../echo?é='"<> |`],
  'an object that is a URL as text': ({ url }) => [{ toString: () => `${url}/echo` }],
  'a Request': ({ url }) => [new Request(`${url}/echo`, { headers: { 'x-own': '1' } })],
  'a Request and init': ({ url }) => [
    new Request(`${url}/echo`, { headers: { 'x-own': '1' } }),
    { headers: { 'x-two': '2' }, method: 'POST' },
  ],
  'a Request and a body': ({ url }) => [new Request(`${url}/echo`, { method: 'POST', body: 'old' }), { body: 'new' }],
  'a clone': ({ url }) => [new Request(`${url}/echo`, { method: 'POST', body: 'x' }).clone()],
  'global Headers': ({ url }) => [
    `${url}/echo`,
    {
      headers: new Headers([
        ['x-own', '1'],
        ['x-own', '2'],
      ]),
    },
  ],
  'a range': ({ url }) => [`${url}/echo`, { headers: { Range: 'bytes=0-1' } }],
  'accept of its own': ({ url }) => [`${url}/echo`, { headers: { Accept: 'a/b' } }],
  'an init with a prototype': ({ url }) => [`${url}/echo`, Object.create({ method: 'PUT' }) as RequestInit],
  'data: text': () => ['data:text/plain;charset=utf-8,a%20b'],
  'data: base64': () => ['data:;base64,YQ=='],
  'data: bad': () => ['data:x'],
  'about:blank': () => ['about:blank'],
  'blob: gone': () => ['blob:nodedata:gone'],
};
for (const [what, args] of Object.entries(INPUTS)) {
  add(`asked by ${what}`, async (fetch, at) => {
    const [input, init] = args(at);
    const response = await fetch(input as string, init);
    return [
      response.status,
      response.url.replace(at.url, ''),
      response.headers.get('content-type'),
      await response.text(),
    ];
  });
}
add('blob: of an object URL', async (fetch) => {
  const url = URL.createObjectURL(new Blob(['blob'], { type: 'a/b' }));
  const response = await fetch(url);
  return [response.status, response.headers.get('content-type'), await response.text()];
});

for (const [what, reason] of Object.entries({ 'an Error': own, nothing: undefined, 'a text': 'enough', null: null })) {
  const signal = () => AbortSignal.abort(reason);
  add(`aborted before, by ${what}`, async (fetch, at) => fetch(at.url, { signal: signal() }));
  add(`aborted before, in a Request, by ${what}`, async (fetch, at) =>
    fetch(new Request(at.url, { signal: signal() })),
  );
  for (const route of ['silent', 'half']) {
    add(`aborted in ${route}, by ${what}`, async (fetch, at) => {
      const controller = new AbortController();
      const sent = fetch(`${at.url}/${route}`, { signal: controller.signal }).then(async (response) => {
        const text = response.text();
        controller.abort(reason);
        return text;
      });
      if (route === 'silent') setTimeout(() => controller.abort(reason), 20);
      return sent;
    });
  }
  add(`aborted when all is over, by ${what}`, async (fetch, at) => {
    const controller = new AbortController();
    const response = await fetch(`${at.url}/body/json`, { signal: controller.signal });
    const text = await response.text();
    controller.abort(reason);
    return text;
  });
}
add('aborted in a Request under way', async (fetch, at) => {
  // Kept, as Node's own fetch does not keep it, and a Request that is gone tells nothing of its signal.
  const request = new Request(`${at.url}/silent`, { signal: abortSoon() });
  return [await outcome(async () => fetch(request)), request.signal.aborted];
});
add('AbortSignal.timeout', async (fetch, at) => fetch(`${at.url}/silent`, { signal: AbortSignal.timeout(10) }));
add('AbortSignal.any', async (fetch, at) =>
  fetch(`${at.url}/silent`, { signal: AbortSignal.any([abortSoon(), new AbortController().signal]) }),
);
add('aborted while a stream goes up', async (fetch, at) => {
  const controller = new AbortController();
  let reason: unknown;
  const body = new ReadableStream({ cancel: (why) => void (reason = why) });
  setTimeout(() => controller.abort(own), 20);
  const rejected = await outcome(async () =>
    fetch(`${at.url}/echo`, { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit),
  );
  return [rejected, reason !== null];
});

for (const path of Object.keys(RAW)) {
  add(`the server: ${path}`, async (fetch, at) => {
    const response = await fetch(at.raw + path);
    return [response.status, response.statusText, await response.text()];
  });
}
add('nothing listens', async (fetch, at) => fetch(at.dead));
add('no such host', async (fetch) => fetch('http://host.invalid/'));

const HEADERS: Record<string, Record<string, string>> = {
  'the length of no body': { 'content-length': '7' },
  'no length': { 'Content-Length': '0' },
  'a coding of the message': { 'Transfer-Encoding': 'chunked' },
  'Keep-Alive': { 'keep-alive': 'timeout=5' },
  Upgrade: { upgrade: 'h2c' },
  Expect: { Expect: '100-continue' },
  'Connection: close': { connection: 'close' },
  'one name in two cases': { 'X-Own': '1', 'x-own': '2' },
};
for (const [what, headers] of Object.entries(HEADERS)) {
  for (const method of ['GET', 'DELETE', 'POST']) {
    // Node writes a length beside the one that is there, which is then none.
    if (method === 'POST' && /length/.test(what)) continue;
    add(`${method} with ${what}`, async (fetch, at) => (await fetch(`${at.url}/echo`, { method, headers })).text());
  }
  add(`a Request with ${what}`, async (fetch, at) => (await fetch(new Request(`${at.url}/echo`, { headers }))).text());
}

const REFERRERS = [
  '',
  'about:client',
  'https://u:p@page.test/a?b#c',
  'http://page.test/a',
  'URL/page?q#f',
  'OTHER/page',
];
// Those by which Node goes: for some of the others it goes by the default one.
const POLICIES = ['', 'origin', 'unsafe-url', 'strict-origin'] as const;
for (const name of REFERRERS) {
  for (const referrerPolicy of POLICIES) {
    add(`referrer ${name}, ${referrerPolicy}`, async (fetch, at) => {
      const referrer = name.replace('URL', at.url).replace('OTHER', at.other);
      const to = encodeURIComponent(`${at.other}/echo`);
      const init: RequestInit = { referrer, referrerPolicy };
      const seen = await Promise.all(
        [`${at.url}/echo`, `${at.url}/redirect/302?to=${to}`, `${at.url}/redirect/302?to=/echo&policy=unsafe-url`].map(
          async (url) => ((await (await fetch(url, init)).json()) as { headers: { referer?: string } }).headers.referer,
        ),
      );
      return seen.map((each) => each?.replace(at.url, 'URL').replace(at.other, 'OTHER'));
    });
  }
}

for (const redirect of ['error', 'manual', 'follow'] as const) {
  for (const location of ['', '?to=http%3A%2F%2F%5B']) {
    add(`redirect: ${redirect}, Location ${location}`, async (fetch, at) =>
      shown(await fetch(`${at.url}/astray/302${location}`, { redirect }), at),
    );
  }
}
add('a Location with credentials for the same origin', async (fetch, at) => {
  const to = encodeURIComponent(`${at.url.replace('//', '//me:secret@')}/echo`);
  return shown(await fetch(`${at.url}/redirect/302?to=${to}`), at);
});

for (const [what, path, method] of [
  ['HEAD', '/body/json', 'HEAD'],
  ['204', '/status/204', 'GET'],
]) {
  for (const text of ['', right]) {
    add(`integrity of what has no body: ${what}, ${text.length}`, async (fetch, at) =>
      shown(await fetch(at.url + path, { method, integrity: digest('sha384', text) }), at),
    );
  }
}

const PIECES: Record<string, unknown[]> = {
  text: ['a', 'b'],
  'a view of other numbers': [bytes(65), new Uint16Array([0x4242])],
  'a number behind bytes': [bytes(65), 5],
  'an error at once': [new RangeError('gone')],
  'an error behind bytes': [bytes(65), new Error('gone')],
};
for (const [what, pieces] of Object.entries(PIECES)) {
  for (const asRequest of [true, false]) {
    add(`a stream of ${what}${asRequest ? ', in a Request' : ''}`, async (fetch, at) => {
      const left = [...pieces];
      const body = new ReadableStream({
        pull(controller) {
          if (left.length === 0) return controller.close();
          const piece = left.shift();
          if (piece instanceof Error) throw piece;
          controller.enqueue(piece);
        },
      });
      const init = { method: 'POST', body, duplex: 'half' } as RequestInit;
      const url = `${at.url}/echo`;
      const { body: sent } = (await (await (asRequest ? fetch(new Request(url, init)) : fetch(url, init))).json()) as {
        body: string;
      };
      return sent;
    });
  }
}

for (const [what, reason] of Object.entries({ 'an error': own, 'no reason': undefined, 'a text': 'enough' })) {
  add(`aborted behind the head of a short body that is here, by ${what}`, async (fetch, at) => {
    const controller = new AbortController();
    const response = await fetch(`${at.url}/body/json`, { signal: controller.signal });
    await new Promise((resolve) => setTimeout(resolve, 20));
    controller.abort(reason);
    // Of the reason Node keeps less, by its version.
    return response.text().catch(() => 'rejected');
  });
  add(`aborted before a stream goes up, by ${what}`, async (fetch, at) => {
    const controller = new AbortController();
    controller.abort(reason);
    let told: unknown;
    const body = new ReadableStream({ cancel: (why) => void (told = why) });
    const init = { method: 'POST', body, duplex: 'half', signal: controller.signal } as RequestInit;
    const rejected = await outcome(async () => fetch(`${at.url}/echo`, init));
    return [rejected, told === controller.signal.reason];
  });
}

function abortSoon(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(own), 20);
  return controller.signal;
}

// ── the comparison ──

/** A value, or an error: what it is called, what it says, and the system's code beneath it. */
async function outcome(run: () => unknown): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Error) && !(error instanceof DOMException)) return { rejected: error };
    const { name, message, cause } = error as Error;
    const { code } = Object(cause) as { code?: unknown };
    const isSystems = typeof code === 'string' && /^E[A-Z]+$/.test(code);
    // Node shows passwords of URLs.
    const shown = message.replace('//u:p@', '//[secure]@');
    return {
      name,
      message: shown,
      hasCause: cause !== undefined,
      code: isSystems ? code : undefined,
      isOwn: error === own,
    };
  }
}

for (const [policy, seen] of Object.entries({
  'no-referrer': [undefined, undefined],
  'no-referrer-when-downgrade': ['URL/a', 'URL/a'],
  'same-origin': ['URL/a', undefined],
  'origin-when-cross-origin': ['URL/a', 'URL/'],
})) {
  test(`referrer by the policy ${policy}, to the same origin and to another`, async (t) => {
    const init = { referrer: `${at.url}/a`, referrerPolicy: policy } as RequestInit;
    for (const [index, origin] of [at.url, at.other].entries()) {
      const { headers } = (await (await ours(`${origin}/echo`, init)).json()) as { headers: { referer?: string } };
      t.is(headers.referer?.replace(at.url, 'URL'), seen[index]);
    }
  });
}

test('an abort behind the head of a short body that is here, by its reason', async (t) => {
  const controller = new AbortController();
  const response = await ours(`${at.url}/body/json`, { signal: controller.signal });
  controller.abort(own);
  t.is(await t.throwsAsync(response.text()), own);
});

for (const [title, program] of programs) {
  test(title, async (t) => {
    const expected = await outcome(async () => program(node, at));
    t.deepEqual(await outcome(async () => program(ours, at)), expected);
  });
}

function describe(value: unknown): string {
  if (value instanceof Map) return 'Map';
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'string' ? Buffer.from(each).toString('latin1') : each,
  );
}

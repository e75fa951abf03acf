/** trustEnv: which variables count, when, and what a wrong one says. */
import test, { type ExecutionContext } from 'ava';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { mkdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Client, type ClientOptions, ConnectError, HTTPDispatch } from '../../src/index.js';
import { packageUrl } from '../helpers/child.js';
import { failure, told } from '../helpers/client.js';
import { serve, serveTls } from '../helpers/server.js';
import { makeCA, testCA } from '../helpers/tls.js';
import { folderOf } from '../helpers/files.js';
import { testWhere } from '../helpers/where.js';

type Variables = Partial<Record<(typeof NAMES)[number], string>>;
const NAMES = [
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
  'SSLKEYLOGFILE',
  'NODE_EXTRA_CA_CERTS',
  'NODE_TLS_REJECT_UNAUTHORIZED',
] as const;

/** A client made under these variables. They are read in the constructor, so no other test sees them. */
function clientUnder(t: ExecutionContext, variables: Variables, options?: ClientOptions): Client {
  const before = NAMES.map((name): [string, string | undefined] => [name, process.env[name]]);
  try {
    for (const name of NAMES) delete process.env[name];
    Object.assign(process.env, variables);
    const client = new Client(options);
    t.teardown(() => client.close());
    return client;
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

// ── whom the client trusts ──

const ROWS: [
  title: string,
  variables: (files: Files) => Variables,
  options: ClientOptions | 'stranger',
  trusted: boolean,
][] = [
  ['none', () => ({}), {}, false],
  ['T6 SSL_CERT_FILE', ({ ca }) => ({ SSL_CERT_FILE: ca }), {}, true],
  ['SSL_CERT_FILE, a relative path', ({ ca }) => ({ SSL_CERT_FILE: path.relative(process.cwd(), ca) }), {}, true],
  ['SSL_CERT_FILE in DER', ({ der }) => ({ SSL_CERT_FILE: der }), {}, true],
  ['SSL_CERT_FILE, another authority’s', ({ stranger }) => ({ SSL_CERT_FILE: stranger }), {}, false],
  ['T6 SSL_CERT_DIR', ({ folder }) => ({ SSL_CERT_DIR: folder }), {}, true],
  ['SSL_CERT_DIR, several', ({ folder, other }) => ({ SSL_CERT_DIR: [other, folder].join(path.delimiter) }), {}, true],
  [
    'SSL_CERT_FILE before SSL_CERT_DIR',
    ({ stranger, folder }) => ({ SSL_CERT_FILE: stranger, SSL_CERT_DIR: folder }),
    {},
    false,
  ],
  ['SSL_CERT_FILE alone counts', ({ ca }) => ({ SSL_CERT_FILE: ca, SSL_CERT_DIR: '/nowhere' }), {}, true],
  [
    'empty ones',
    () => ({ SSL_CERT_FILE: '', SSL_CERT_DIR: '', NODE_EXTRA_CA_CERTS: '', SSLKEYLOGFILE: '' }),
    {},
    false,
  ],
  ['NODE_EXTRA_CA_CERTS', ({ ca }) => ({ NODE_EXTRA_CA_CERTS: ca }), {}, true],
  [
    'NODE_EXTRA_CA_CERTS beside SSL_CERT_FILE',
    ({ ca, stranger }) => ({ NODE_EXTRA_CA_CERTS: ca, SSL_CERT_FILE: stranger }),
    {},
    true,
  ],
  ['trustEnv true', ({ ca }) => ({ SSL_CERT_FILE: ca }), { trustEnv: true }, true],
  ['verify true', ({ ca }) => ({ SSL_CERT_FILE: ca }), { verify: true }, true],
  ['trustEnv false: SSL_CERT_FILE', ({ ca }) => ({ SSL_CERT_FILE: ca }), { trustEnv: false }, false],
  ['trustEnv false: SSL_CERT_DIR', ({ folder }) => ({ SSL_CERT_DIR: folder }), { trustEnv: false }, false],
  ['trustEnv false: NODE_EXTRA_CA_CERTS', ({ ca }) => ({ NODE_EXTRA_CA_CERTS: ca }), { trustEnv: false }, false],
  ['verify names others: SSL_CERT_FILE', ({ ca }) => ({ SSL_CERT_FILE: ca }), 'stranger', false],
  ['verify names others: NODE_EXTRA_CA_CERTS', ({ ca }) => ({ NODE_EXTRA_CA_CERTS: ca }), 'stranger', false],
  ['verify false looks at none', () => ({ SSL_CERT_FILE: '/nowhere' }), { verify: false }, true],
];

for (const [title, variables, options, trusted] of ROWS) {
  test(`variables: ${title}`, async (t) => {
    const files = await filesOf(t);
    const server = await serveTls(t, (_, response) => response.end('ok'));
    const given = options === 'stranger' ? { verify: files.stranger } : options;
    const sent = clientUnder(t, variables(files), given).get(server.url);
    if (trusted) t.is(told(await sent), '200 ok');
    else t.true((await failure(sent)) instanceof ConnectError);
  });
}

test('a file that changes is read again, by clients made afterwards', async (t) => {
  const { ca, stranger } = await filesOf(t);
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const file = path.join(path.dirname(stranger), 'bundle.pem');
  const trusts = async (): Promise<boolean> => {
    const client = clientUnder(t, { SSL_CERT_FILE: file });
    return client.get(server.url).then(
      () => true,
      () => false,
    );
  };
  const longAgo = new Date(Date.now() - 60_000);
  for (let i = 0; i < 2; i++) {
    for (const [content, expected] of [
      [stranger, false],
      [ca, true],
    ] as const) {
      await writeFile(file, await readFile(content));
      // Its time of modification says nothing: a copy keeps the old one.
      await utimes(file, longAgo, longAgo);
      t.is(await trusts(), expected);
      t.is(await trusts(), expected);
    }
  }
});

// ── what is wrong ──

const BAD: [variables: (files: Files) => Variables, message: RegExp][] = [
  [
    () => ({ SSL_CERT_FILE: '/nowhere/ca.pem' }),
    /^SSL_CERT_FILE: cannot read certificates from '\/nowhere\/ca\.pem': ENOENT$/,
  ],
  [({ folder }) => ({ SSL_CERT_FILE: folder }), /^SSL_CERT_FILE: cannot read certificates from '.*': EISDIR$/],
  [({ garbage }) => ({ SSL_CERT_FILE: garbage }), /^SSL_CERT_FILE: '.*garbage' holds no valid certificate$/],
  [({ broken }) => ({ SSL_CERT_FILE: broken }), /^SSL_CERT_FILE: '.*broken\.pem' holds no valid certificate$/],
  [
    ({ cut }) => ({ SSL_CERT_FILE: cut }),
    /^SSL_CERT_FILE: '.*cut\.pem' has a 'BEGIN CERTIFICATE' block without its end$/,
  ],
  [() => ({ SSL_CERT_FILE: '/dev/zero' }), /^SSL_CERT_FILE: '\/dev\/zero' is no regular file$/],
  [() => ({ NODE_EXTRA_CA_CERTS: '/dev/zero' }), /^NODE_EXTRA_CA_CERTS: '\/dev\/zero' is no regular file$/],
  [
    ({ keys }) => ({ SSL_CERT_FILE: (writeFileSync(keys, Buffer.alloc(2 ** 24 + 1)), keys) }),
    /^SSL_CERT_FILE: '.*keys\.log' is larger than 16777216 bytes$/,
  ],
  [() => ({ SSL_CERT_DIR: '/nowhere' }), /^SSL_CERT_DIR: cannot read certificates from '\/nowhere': ENOENT$/],
  [({ ca }) => ({ SSL_CERT_DIR: ca }), /^SSL_CERT_DIR: cannot read certificates from '.*ca\.pem': ENOTDIR$/],
  [({ empty }) => ({ SSL_CERT_DIR: empty }), /^SSL_CERT_DIR: '.*empty' holds no certificate$/],
  [
    () => ({ NODE_EXTRA_CA_CERTS: '/nowhere.pem' }),
    /^NODE_EXTRA_CA_CERTS: cannot read certificates from '\/nowhere\.pem': ENOENT$/,
  ],
  [
    ({ garbage }) => ({ NODE_EXTRA_CA_CERTS: garbage }),
    /^NODE_EXTRA_CA_CERTS: '.*garbage' holds no valid certificate$/,
  ],
  [() => ({ SSLKEYLOGFILE: '/nowhere/keys' }), /^SSLKEYLOGFILE: cannot write to '\/nowhere\/keys': ENOENT$/],
  [({ folder }) => ({ SSLKEYLOGFILE: folder }), /^SSLKEYLOGFILE: cannot write to '.*': EISDIR$/],
  // That no process reads.
  [
    ({ keys }) => ({ SSLKEYLOGFILE: (execFileSync('mkfifo', [keys]), keys) }),
    /^SSLKEYLOGFILE: cannot write to '.*keys\.log': ENXIO$/,
  ],
];

for (const [variables, message] of BAD) {
  test(`a wrong variable: ${message.source}`, async (t) => {
    const given = variables(await filesOf(t));
    // Said with the first https connection: a client that makes none needs no certificates.
    const plain = await serve(t, (_, response) => response.end('ok'));
    const secure = await serveTls(t, (_, response) => response.end('ok'));
    const client = clientUnder(t, given);
    t.is((await client.get(plain.url)).text, 'ok');
    for (let i = 0; i < 2; i++) {
      const error = await failure(client.get(secure.url));
      t.true(error instanceof ConnectError, String(error));
      t.true(error.cause instanceof TypeError);
      t.regex((error.cause as Error).message, message);
      t.is(error.message, `GET ${secure.url}: ${(error.cause as Error).message}`);
    }
    t.is(secure.connections(), 0);
    const { ca } = await filesOf(t);
    t.is((await clientUnder(t, given, { trustEnv: false, verify: ca }).get(secure.url)).text, 'ok');
    const [name] = Object.keys(given);
    if (name !== 'SSLKEYLOGFILE') t.is((await clientUnder(t, given, { verify: false }).get(secure.url)).text, 'ok');
  });
}

const UNVERIFIED: [variables: Variables, options: ClientOptions, isTrusted: boolean][] = [
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, {}, true],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0', SSL_CERT_FILE: '/nowhere' }, {}, true],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, { trustEnv: true }, true],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, { trustEnv: false }, false],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, { verify: true }, false],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '1' }, {}, false],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: '' }, {}, false],
  [{ NODE_TLS_REJECT_UNAUTHORIZED: 'false' }, {}, false],
];

for (const [variables, options, isTrusted] of UNVERIFIED) {
  test(`${JSON.stringify(variables)} with ${JSON.stringify(options)}`, async (t) => {
    const server = await serveTls(t, (_, response) => response.end('ok'));
    const sent = clientUnder(t, variables, options).get(server.url);
    if (isTrusted) t.is((await sent).text, 'ok');
    else t.true((await failure(sent)) instanceof ConnectError);
  });
}

test('NODE_TLS_REJECT_UNAUTHORIZED=0: Node’s own warning, once, and only with https', async (t) => {
  const secure = await serveTls(t, (_, response) => response.end('ok'));
  const plain = await serve(t, (_, response) => response.end('ok'));
  const program = `
    import { Client } from '${packageUrl}';
    const seen = [];
    process.on('warning', ({ name, message }) => seen.push(name + ': ' + message));
    const visit = async (url) => {
      const client = new Client();
      await client.get(url);
      await new Promise((resolve) => setImmediate(resolve));
      console.log(seen.length);
    };
    await visit(process.env.PLAIN);
    await visit(process.env.SERVER);
    await visit(process.env.SERVER);
    console.log(seen[0]);
  `;
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0', SERVER: secure.url, PLAIN: plain.url };
  const said = await output(process.execPath, ['--no-warnings', '--input-type=module', '-e', program], env);
  t.regex(said, /^0\n1\n1\nWarning: Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes TLS/);
});

test('trustEnv is a property, and true or false', (t) => {
  t.true(new Client().trustEnv);
  t.false(new Client({ trustEnv: false }).trustEnv);
  for (const trustEnv of [null, 'no', 0] as unknown as boolean[]) {
    for (const make of [() => new Client({ trustEnv }), () => new HTTPDispatch({ trustEnv })]) {
      t.throws(make, {
        instanceOf: TypeError,
        message: /^trustEnv: expected true or false, got (null|string|number)$/,
      });
    }
  }
});

// ── SSLKEYLOGFILE ──

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`T7 the secrets of a connection are appended to SSLKEYLOGFILE: ${version}`, async (t) => {
    const { keys } = await filesOf(t);
    const server = await serveTls(t, (_, response) => response.end('ok'), { minVersion: version, maxVersion: version });
    const theirs: string[] = [];
    server.server.on('keylog', (line: Buffer) => theirs.push(line.toString().trim()));
    for (const options of [{ verify: false }, { verify: (await testCA()).cert }]) {
      const client = clientUnder(t, { SSLKEYLOGFILE: keys }, options);
      t.is(told(await client.get(server.url)), '200 ok');
      await client.close();
    }
    const ours = (await readFile(keys, 'utf8')).trim().split('\n');
    t.true(ours.length >= 2);
    t.deepEqual(
      ours.filter((line) => !theirs.includes(line)),
      [],
    );
    t.is((await stat(keys)).mode & 0o777, 0o600);
  });
}

test('T7 without trustEnv there is no key log', async (t) => {
  const { keys } = await filesOf(t);
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const client = clientUnder(t, { SSLKEYLOGFILE: keys }, { trustEnv: false, verify: false });
  t.is(told(await client.get(server.url)), '200 ok');
  await t.throwsAsync(stat(keys), { code: 'ENOENT' });
});

// ── in a process of its own: what it was started with, and what its machine has ──

const VISIT = `
  const { Client } = await import(${JSON.stringify(packageUrl)});
  const seen = [];
  process.on('warning', (warning) => seen.push(warning.code ?? warning.name));
  const visit = async (options) => {
    const client = new Client(options);
    const answer = await client.get(process.env.SERVER).then((r) => r.text, (error) => error.code);
    await client.close();
    return answer;
  };
  const answers = [await visit({}), await visit({ trustEnv: false }), await visit({})];
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log([...answers, ...seen].join(' '));
`;
const UNKNOWN = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';

for (const name of ['SSL_CERT_FILE', 'SSL_CERT_DIR', 'NODE_EXTRA_CA_CERTS'] as const) {
  test(`a process started with ${name}: trustEnv decides, not the order`, async (t) => {
    const { ca, folder } = await filesOf(t);
    const server = await serveTls(t, (_, response) => response.end('ok'));
    const env = { [name]: name === 'SSL_CERT_DIR' ? folder : ca, SERVER: server.url };
    t.is(await output(process.execPath, ['--input-type=module', '-e', VISIT], env), `ok ${UNKNOWN} ok`);
  });
}

const hidden = ['-rm', 'sh', '-c', 'mount -t tmpfs none /etc/ssl && "$@"', 'sh'];
const canHide = process.platform === 'linux' && spawnSync('unshare', [...hidden, 'true']).status === 0;
const whereHidden = testWhere(canHide, 'this machine does not allow /etc/ssl to be hidden');

whereHidden('an empty trust store: Mozilla’s roots, and one warning', async (t) => {
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const program = [process.execPath, '--no-warnings', '--input-type=module', '-e', VISIT];
  const said = await output('unshare', [...hidden, ...program], { SERVER: server.url });
  t.is(said, `${UNKNOWN} ${UNKNOWN} ${UNKNOWN} WHIPPET_NO_TRUST_STORE`);
});

function output(program: string, args: string[], env: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(stdout.trim()) : reject(new Error(stderr))));
  });
}

interface Files {
  /** The authority of `testCA()`, and where it is. */
  ca: string;
  der: string;
  folder: string;
  /** Of an authority that did not issue the server's certificate. */
  stranger: string;
  other: string;
  garbage: string;
  broken: string;
  cut: string;
  empty: string;
  /** Not there yet. */
  keys: string;
}

async function filesOf(t: ExecutionContext): Promise<Files> {
  const root = folderOf(t);
  const at = (...names: string[]): string => path.join(root, ...names);
  const { cert } = await testCA();
  const stranger = (await makeCA()).cert;
  for (const folder of ['ca', 'other', 'empty', path.join('ca', 'below')]) await mkdir(at(folder));
  const files: [string, string | Uint8Array][] = [
    ['ca/ca.pem', cert],
    ['ca/README', 'no certificate'],
    ['ca.der', new X509Certificate(cert).raw],
    ['other/stranger.pem', stranger],
    ['garbage', 'nonsense'],
    ['broken.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'],
    ['cut.pem', `${stranger}\n${cert.slice(0, 200)}`],
  ];
  for (const [name, content] of files) await writeFile(at(name), content);
  // As `openssl rehash` leaves them, and one that leads nowhere.
  await symlink('ca.pem', at('ca', '0123abcd.0'));
  await symlink('missing.pem', at('ca', 'ffffffff.0'));
  return {
    ca: at('ca', 'ca.pem'),
    der: at('ca.der'),
    folder: at('ca'),
    stranger: at('other', 'stranger.pem'),
    other: at('other'),
    garbage: at('garbage'),
    broken: at('broken.pem'),
    cut: at('cut.pem'),
    empty: at('empty'),
    keys: at('keys.log'),
  };
}

test('a bundle of many: each is trusted, one that is none is left out, one cut off is an error', async (t) => {
  const folder = folderOf(t);
  const others = await Promise.all(Array.from({ length: 9 }, (_, i) => makeCA(`CN=Other ${i}`)));
  const { cert } = await testCA();
  // A sequence that begins with another, and is no certificate all the same.
  const none = Buffer.concat([Buffer.from([0x30, 0x81, 0x82, 0x30, 0x80]), Buffer.alloc(0x80)]).toString('base64');
  const blocks = [...others.map((other) => other.cert), cert];
  const server = await serveTls(t, (_, response) => response.end('ok'));
  const bundle = async (name: string, texts: string[]) => {
    const file = path.join(folder, name);
    await writeFile(file, texts.join('\n'));
    return file;
  };
  for (const [name, texts] of [
    ['all', blocks],
    ['odd', [`-----BEGIN CERTIFICATE-----\n${none}\n-----END CERTIFICATE-----`, ...blocks]],
  ] as const) {
    const file = await bundle(name, [...texts]);
    t.is(told(await clientUnder(t, { SSL_CERT_FILE: file }).get(server.url)), '200 ok', name);
  }
  const cut = await bundle('cut', [...others.map((other) => other.cert), cert.replace(/^(-.*\n.{40}).*\n/, '$1\n')]);
  const error = await failure(clientUnder(t, { SSL_CERT_FILE: cut }).get(server.url));
  t.regex(String(error), /SSL_CERT_FILE/);
});

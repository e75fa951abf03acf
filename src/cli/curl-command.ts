/** `--curl`: the command line that sends the same request with curl. Nothing is sent; secrets are masked unless they are asked for. */

import { existsSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { Client } from '../client/client.js';
import type { RequestOptions } from '../client/options.js';
import { MockDispatch } from '../dispatch/apps/mock-dispatch.js';
import type { FileContent } from '../request/file-content.js';
import { guessType } from '../request/media-types.js';
import { Response } from '../response/response.js';
import type { URL } from '../url/url.js';
import type { Arguments } from './arguments.js';
import { proxiesOf } from './client-options.js';
import type { RequestBody } from './request-body.js';
import type { RequestPlan } from './request-options.js';
import { MASK, maskedUrl } from './secrets.js';

/** One line for a POSIX shell: `request.toCurl()`, and what curl has to be told besides of credentials, parts and connections. */
export async function curlCommand(client: Client, plan: RequestPlan, args: Arguments): Promise<string> {
  const { content, data, files, ...others } = plan.options as RequestBody & RequestOptions;
  // What curl reads and puts together itself.
  const source = sourceOf(content);
  const ownBody = files !== undefined ? partWords(data, files) : source === null ? null : ['--data-binary', source];
  // Asked for as one without a body, which needs no length of none.
  const request =
    ownBody === null
      ? client.buildRequest(plan.method, plan.url, plan.options)
      : client.buildRequest('GET', plan.url, others as RequestOptions);
  if (ownBody !== null && plan.method !== 'POST') ownBody.unshift('-X', plan.method);
  const command = request.toCurl({ showSecrets: args.has('show-secrets') });
  const words = [...(ownBody ?? []), ...authWords(args), ...jarWords(args), ...(await connectionWords(plan, args))];
  return [command, ...words.map(quoted)].join(' ');
}

/** Of a body that is a stream or a pipe, which is not read here. */
function sourceOf(content: RequestBody['content']): string | null {
  if (typeof content !== 'object') return null;
  if (Symbol.asyncIterator in content) return '@-';
  return isFile(content) && !statSync(content.path).isFile() ? `@${content.path}` : null;
}

function authWords(args: Arguments): string[] {
  const given = args.value('auth');
  if (given === undefined) return netrcWords(args);
  const isShown = args.has('show-secrets');
  if (args.value('auth-type') === 'bearer') return ['-H', `Authorization: Bearer ${isShown ? given : MASK}`];
  const user = given.split(':', 1)[0];
  return [
    ...(args.value('auth-type') === 'digest' ? ['--digest'] : []),
    '-u',
    isShown || !given.includes(':') ? given : `${user}:${MASK}`,
  ];
}

/** curl reads no netrc by itself. */
function netrcWords(args: Arguments): string[] {
  if (args.has('no-netrc') || (args.has('no-env') && !args.has('netrc'))) return [];
  const file = args.value('netrc') ?? process.env.NETRC;
  if (file !== undefined && file !== '') return ['--netrc-file', file];
  return existsSync(path.join(homedir(), '.netrc')) ? ['--netrc-optional'] : [];
}

function jarWords(args: Arguments): string[] {
  const jar = args.value('cookie-jar');
  return jar === undefined ? [] : ['-b', jar, '-c', jar];
}

function partWords(data: RequestBody['data'] = {}, files: NonNullable<RequestBody['files']>): string[] {
  const words: string[] = [];
  for (const [name, values] of Object.entries(data)) {
    for (const value of values) words.push('--form-string', `${name}=${value}`);
  }
  for (const [name, [filename, part, type]] of files) {
    if (part instanceof Uint8Array) words.push('--form-string', `${name}=${Buffer.from(part).toString()}`);
    else if (isFile(part)) {
      // curl guesses few types, and others.
      const typed = `;type=${type ?? guessType(filename ?? part.path)}`;
      const named = filename === null ? '' : `;filename=${inForm(filename)}`;
      words.push('-F', `${name}=@${inForm(part.path)}${typed}${named}`);
    }
  }
  return words;
}

/** A name as `-F` reads it, which takes ',' and ';' for the end of one, and quotes for its own. */
function inForm(name: string): string {
  return /[",;\\]|^\s|\s$/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name;
}

/** Options that curl has as well: ours, curl's, and whether its value may have credentials. */
const SAME: readonly (readonly [name: string, curl: string])[] = [
  ['timeout', '-m'],
  ['connect-timeout', '--connect-timeout'],
  ['max-redirects', '--max-redirs'],
  ['retry', '--retry'],
  ['no-verify', '-k'],
  ['ca', '--cacert'],
  ['cert', '--cert'],
  ['key', '--key'],
  ['unix-socket', '--unix-socket'],
  ['interface', '--interface'],
  ['fail', '-f'],
  ['stream', '-N'],
  ['output', '-o'],
];

async function connectionWords(plan: RequestPlan, args: Arguments): Promise<string[]> {
  const words: string[] = args.has('no-follow') ? [] : ['-L'];
  for (const [name, curl] of SAME) {
    const value = args.value(name);
    if (value !== undefined) words.push(curl, ...(value === '' ? [] : [value]));
  }
  const isShown = args.has('show-secrets');
  words.push(...(await proxyWords(plan, args, isShown)));
  if (args.has('key-password')) words.push('--pass', isShown ? (args.value('key-password') as string) : MASK);
  for (const text of args.values('resolve')) {
    const [, host, port = '443', address] = /^(.*?)(?::(\d+))?=(.*)$/.exec(text) ?? [];
    words.push('--resolve', `${host}:${port}:${address}`);
  }
  const versions = new Set(args.values('http'));
  if (versions.size === 1) words.push(versions.has('2') ? '--http2' : '--http1.1');
  if (args.has('download')) words.push('-O', '-J');
  if (args.has('resume')) words.push('-C', '-');
  return words;
}

/** curl has one proxy: the one of the patterns that the URL matches. */
async function proxyWords(plan: RequestPlan, args: Arguments, isShown: boolean): Promise<string[]> {
  const proxies = proxiesOf(args);
  if (proxies === undefined) return args.has('no-env') ? ['--noproxy', '*'] : [];
  const proxy = proxies === null ? null : await proxyFor(plan.url, proxies);
  if (proxy === null) return ['--noproxy', '*'];
  return ['-x', isShown ? proxy : maskedUrl(proxy)];
}

/** A client that has an answer in the place of each proxy: mounts have the patterns of proxies. */
async function proxyFor(url: URL, proxies: Record<string, string | null>): Promise<string | null> {
  let found: string | null = null;
  const standIn = (proxy: string | null) =>
    new MockDispatch(() => {
      found = proxy;
      return new Response(204);
    });
  const mounts = Object.fromEntries(Object.entries(proxies).map(([pattern, proxy]) => [pattern, standIn(proxy)]));
  const client = new Client({ dispatch: standIn(null), mounts, trustEnv: false });
  await client.get(url);
  await client.close();
  return found;
}

function isFile(part: object): part is FileContent {
  return 'path' in part;
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

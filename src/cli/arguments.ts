/**
 * The words of the command line: options by the table, and the rest in order. `node:util`'s parser takes them apart (Node has it
 * loaded); which words are method, URL and items is told by words.ts, and what a value means where it is used.
 */

import { parseArgs } from 'node:util';
import { nearest } from './nearest.js';
import { OPTIONS, type Option } from './option-table.js';
import { badValue, shown, UsageError } from './usage-error.js';

/** What was given. */
export class Arguments {
  /** The words that are no options. */
  readonly words: readonly string[];
  #values: ReadonlyMap<string, readonly string[]>;

  constructor(words: readonly string[], values: ReadonlyMap<string, readonly string[]>) {
    this.words = words;
    this.#values = values;
  }

  /** The last value of an option. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  /** All values of an option, as given. */
  values(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** How often it was given. */
  count(name: string): number {
    return this.values(name).length;
  }

  /** The value as a whole number. @throws UsageError */
  integer(name: string, least: number): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    const number = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(number) && number >= least) return number;
    throw badValue(`--${name}`, text, `a whole number from ${least} on`);
  }

  /** Seconds as milliseconds; null is off. @throws UsageError */
  milliseconds(name: string): number | null | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    const milliseconds = Math.ceil(Number(text) * 1000);
    if (/^(?:\d+\.?\d*|\.\d+)$/.test(text) && milliseconds <= MAX_TIMEOUT_MS)
      return milliseconds === 0 ? null : milliseconds;
    throw badValue(`--${name}`, text, 'seconds, such as 2.5, at most 2147483; 0 is off');
  }
}

/** Of a timer. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** @throws UsageError naming the option */
export function readArguments(args: readonly string[]): Arguments {
  const values = new Map<string, string[]>();
  const words: string[] = [];
  const { tokens } = parseArgs({
    args: [...args],
    options: parserOptions(),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === 'positional') words.push(token.value);
    if (token.kind !== 'option') continue;
    const option = byName.get(token.name);
    if (option === undefined) throw unknownOption(token.rawName);
    const { value } = token;
    if (option.value === undefined && value !== undefined) {
      throw new UsageError(`--${option.name}: takes no value, got ${shown(value)}`);
    }
    if (option.value !== undefined && value === undefined) {
      throw new UsageError(`${token.rawName}: its value (${option.value}) is missing`);
    }
    if (value !== undefined && token.inlineValue === false && spellings.has(value)) {
      throw new UsageError(
        `${token.rawName}: its value (${option.value}) is missing before ${value}; or write --${option.name}=${value}`,
      );
    }
    if (option.choices !== undefined && !option.choices.includes(value as string)) {
      throw badValue(`--${option.name}`, value as string, `one of ${option.choices.join(', ')}`);
    }
    values.set(option.name, [...(values.get(option.name) ?? []), value ?? '']);
  }
  for (const [one, other] of EXCLUSIVE) {
    if (values.has(one) && values.has(other)) throw new UsageError(`--${one} and --${other} exclude each other`);
  }
  for (const [name, needs] of NEEDED) {
    if (values.has(name) && !needs.some((other) => values.has(other))) {
      throw new UsageError(`--${name}: only with ${needs.map((other) => `--${other}`).join(' or ')}`);
    }
  }
  if (values.get('output')?.at(-1) === '-') {
    for (const name of ['resume', 'checksum', 'fsync'])
      if (values.has(name)) throw new UsageError(`--${name}: only with a file, and --output - is none`);
  }
  return new Arguments(words, values);
}

function unknownOption(rawName: string): UsageError {
  const name = rawName.replace(/^-+/, '');
  const near = rawName.startsWith('--')
    ? (FOREIGN[name] ?? nearest(name, [...byName.keys()]))
    : (FOREIGN[rawName] ??
      [...byName.values()].find(({ short }) => short?.toLowerCase() === name.toLowerCase())?.name ??
      null);
  return new UsageError(`${rawName}: no such option`, near === null ? null : `--${near}`);
}

function parserOptions(): Record<string, { type: 'string' | 'boolean'; short?: string; multiple: true }> {
  const options: Record<string, { type: 'string' | 'boolean'; short?: string; multiple: true }> = {};
  for (const { name, short, value } of OPTIONS) {
    options[name] = { type: value === undefined ? 'boolean' : 'string', multiple: true, ...(short && { short }) };
  }
  return options;
}

const byName: ReadonlyMap<string, Option> = new Map(OPTIONS.map((option) => [option.name, option]));
const spellings: ReadonlySet<string> = new Set(
  OPTIONS.flatMap(({ name, short }) => [`--${name}`, `-${short ?? name}`]),
);

/** What the users of curl and HTTPie type, and how it is called here. */
const FOREIGN: Readonly<Record<string, string>> = {
  __proto__: null as never,
  '-a': 'auth',
  '-A': 'auth-type',
  '-c': 'cookie-jar',
  '-C': 'resume',
  '-f': 'fail',
  '-m': 'timeout',
  '-p': 'print',
  cacert: 'ca',
  'cert-key': 'key',
  'check-status': 'fail',
  continue: 'resume',
  'continue-at': 'resume',
  'data-binary': 'data',
  'data-raw': 'data',
  'form-string': 'form',
  'http1.1': 'http',
  http2: 'http',
  'ignore-netrc': 'no-netrc',
  insecure: 'no-verify',
  location: 'follow',
  'max-redirs': 'max-redirects',
  'max-time': 'timeout',
  'netrc-file': 'netrc',
  noproxy: 'no-proxy',
  offline: 'curl',
  pass: 'key-password',
  raw: 'data',
  'remote-name': 'download',
  request: 'method',
  session: 'cookie-jar',
  silent: 'no-progress',
  'url-query': 'query',
  user: 'auth',
  verify: 'no-verify',
};

const EXCLUSIVE: readonly (readonly [string, string])[] = [
  ['follow', 'no-follow'],
  ['netrc', 'no-netrc'],
  ['proxy', 'no-proxy'],
  // A socket is all there is of the way: these would have no effect.
  ['unix-socket', 'proxy'],
  ['unix-socket', 'resolve'],
  ['unix-socket', 'interface'],
  ['output', 'download'],
  ['json', 'data'],
  ['json', 'form'],
  ['json', 'multipart'],
  ['json', 'file'],
  ['data', 'form'],
  ['data', 'multipart'],
  ['data', 'file'],
  ['curl', 'bench'],
  ['json-output', 'stream'],
  ['json-output', 'print'],
  ['json-output', 'bench'],
  ['json-output', 'output'],
  ['json-output', 'download'],
  ['bench', 'output'],
  ['bench', 'download'],
  ['bench', 'stream'],
];

const NEEDED: readonly (readonly [string, readonly string[]])[] = [
  ['resume', ['output', 'download']],
  ['checksum', ['output', 'download']],
  ['fsync', ['output', 'download']],
  ['key', ['cert']],
  ['key-password', ['cert']],
  ['auth-type', ['auth']],
  ['concurrency', ['bench']],
];

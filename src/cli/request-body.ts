/** The body of the request, from `--json`, `--data`, `--file`, the items or stdin: one of them. How it is sent is the client's work. */

import { statSync } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { file, type FileContent } from '../request/file-content.js';
import type { Arguments } from './arguments.js';
import { checkReadable, readText } from './files.js';
import type { Item } from './items.js';
import { isPiped, readStdin, readStdinText } from './stdin.js';
import { shown, UsageError } from './usage-error.js';

/** Options of a request, and the Content-Type that goes with them. */
export interface RequestBody {
  readonly content?: Uint8Array | string | FileContent | Readable | AsyncIterable<Uint8Array>;
  readonly data?: Record<string, string[]>;
  readonly files?: [
    name: string,
    file: [filename: string | null, content: FileContent | Readable | Uint8Array, contentType?: string],
  ][];
  readonly contentType?: string;
}

/** How what is named is read. */
interface Reading {
  readonly signal: AbortSignal;
  /** By the command that is printed, not by this one. */
  readonly isCurls: boolean;
}

/**
 * null: there is none.
 *
 * @param isBodiless GET, HEAD or `-I`: stdin is not asked then.
 * @throws UsageError
 */
export async function readBody(
  args: Arguments,
  items: readonly Item[],
  isBodiless: boolean,
  signal: AbortSignal,
): Promise<RequestBody | null> {
  const reading: Reading = { signal, isCurls: args.has('curl') };
  const fields = items.filter(({ kind }) => kind !== 'query' && kind !== 'header');
  const json = args.value('json');
  const data = args.values('data');
  const given = json !== undefined ? '--json' : data.length > 0 ? '--data' : null;
  if (args.count('json') > 1) throw new UsageError('--json: is given twice, and a body is one of them');
  if (given !== null && fields.length > 0)
    throw new UsageError(`${given}: not together with body items such as ${shown(wordOf(fields[0]))}`);
  if (json !== undefined)
    return { content: checkJson('--json', await readValue('--json', json, reading)), contentType: 'application/json' };
  if (data.length > 0) return readData(data, reading);
  const whole = fields.find(({ kind, name }) => kind === 'file' && name === '');
  if (whole !== undefined) {
    if (fields.length > 1)
      throw new UsageError(`ITEM: ${shown(wordOf(whole))} is the whole body, not together with others`);
    return { content: await contentOf('ITEM', whole.value as string, reading) };
  }
  const isMultipart = args.has('multipart') || args.has('file') || fields.some(({ kind }) => kind === 'file');
  if (isMultipart) return multipart(args, fields, reading);
  if (fields.length > 0) return args.has('form') ? { data: await formOf(fields, reading) } : jsonOf(fields, reading);
  if (isBodiless || !isPiped()) return null;
  const content = await readStdin(reading.signal);
  return Buffer.isBuffer(content) && content.length === 0 ? null : { content };
}

/** Texts that are given again and again are joined by '&', as curl does it; a file is a whole body. */
async function readData(texts: readonly string[], reading: Reading): Promise<RequestBody | null> {
  const whole = texts.find((text) => text === '-' || text.startsWith('@'));
  if (whole !== undefined && texts.length > 1)
    throw new UsageError(`--data: ${shown(whole)} is the whole body, not together with others`);
  const data = texts.join('&');
  if (data === '-' || data === '@-') return { content: await readStdin(reading.signal) };
  return { content: data.startsWith('@') ? await contentOf('--data', data.slice(1), reading) : data };
}

/** A file is sent by the core; a pipe is read here, and has no length before. */
async function contentOf(option: string, name: string, { signal, isCurls }: Reading): Promise<FileContent | Readable> {
  checkReadable(option, name);
  if (isCurls || statSync(name).isFile()) return file(name);
  const { openToRead } = await import('./pipes.js');
  return openToRead(name, signal);
}

async function multipart(args: Arguments, fields: readonly Item[], reading: Reading): Promise<RequestBody> {
  const files: NonNullable<RequestBody['files']> = [];
  for (const text of args.values('file')) files.push(await readFilePart(text, reading));
  for (const { kind, name, value } of fields)
    if (kind === 'file') files.push(await filePart('ITEM', name, value as string, reading));
  const data = await formOf(
    fields.filter(({ kind }) => kind !== 'file'),
    reading,
  );
  if (files.length > 0) return { data, files };
  // Without a file, a form would be urlencoded.
  const parts = Object.entries(data).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  if (parts.length === 0) throw new UsageError('--multipart: there is no field and no file');
  return { files: parts.map(([name, value]) => [name, [null, Buffer.from(value)]]) };
}

/** `name=path[;type=…][;filename=…]` */
function readFilePart(text: string, reading: Reading): Promise<NonNullable<RequestBody['files']>[number]> {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--file: ${shown(text)} is not allowed, expected name=path`);
  return filePart('--file', text.slice(0, at), text.slice(at + 1).replace(/^@/, ''), reading);
}

async function filePart(
  option: string,
  name: string,
  text: string,
  reading: Reading,
): Promise<NonNullable<RequestBody['files']>[number]> {
  const [, file_, parameters] = /^(.*?)((?:;(?:type|filename)=[^;]*)*)$/s.exec(text) as RegExpExecArray;
  const parameter = (name: string) => new RegExp(`;${name}=([^;]*)`).exec(parameters)?.[1];
  const contentType = parameter('type');
  return [
    name,
    [
      parameter('filename') ?? path.basename(file_),
      await contentOf(option, file_, reading),
      ...(contentType === undefined ? [] : [contentType]),
    ] as never,
  ];
}

async function formOf(fields: readonly Item[], reading: Reading): Promise<Record<string, string[]>> {
  const form: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const field of fields) (form[field.name] ??= []).push(await textOf(field, reading));
  return form;
}

/** Written here, so that the text of each value stays: 1.0 is no 1. Of equal names the last one counts, as in HTTPie. */
async function jsonOf(fields: readonly Item[], reading: Reading): Promise<RequestBody> {
  const members = new Map<string, string>();
  for (const field of fields) {
    const text = await textOf(field, reading);
    members.set(field.name, field.kind.startsWith('json') ? text : JSON.stringify(text));
  }
  const text = [...members].map(([name, value]) => `${JSON.stringify(name)}: ${value}`).join(', ');
  return { content: `{${text}}`, contentType: 'application/json' };
}

async function textOf({ kind, name, value }: Item, reading: Reading): Promise<string> {
  const text = kind.endsWith('-file') ? await readText('ITEM', value as string, reading.signal) : (value as string);
  return kind.startsWith('json') ? checkJson(`ITEM ${shown(name)}`, text).trim() : text;
}

/** The value of an option: text, `@path`, or `-` and `@-` for stdin. */
async function readValue(option: string, value: string, reading: Reading): Promise<string> {
  if (value === '-' || value === '@-') return readStdinText(reading.signal);
  return value.startsWith('@') ? readText(option, value.slice(1), reading.signal) : value;
}

/** @throws UsageError */
function checkJson(option: string, text: string): string {
  try {
    JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${option}: ${shown(text)} is no JSON: ${(error as Error).message.replace(/\s+/g, ' ')}`);
  }
  return text;
}

function wordOf({ name, value }: Item): string {
  return `${name}=${value}`;
}

/**
 * What a download that broke off leaves behind beside its part: which content the bytes belong to (RFC 9110 §8.8), so that another
 * process can ask for the rest of exactly that. And whether an answer is that rest (§14, §15.3.7).
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import nodePath from 'node:path';
import type { Headers } from '../headers.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';

/** Which content the bytes of a part are the beginning of. One of `etag` and `lastModified` is there. */
export interface PartNote {
  /** A digest of what was asked for: method, path and query, which may be secrets. */
  readonly target: string;
  /** A strong one. */
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Bytes in all; null when the server did not say. */
  readonly total: number | null;
}

/** The note beside a part, if there is one that was written for this request; whatever else is there is no note. */
export async function readNote(path: string, request: Request): Promise<PartNote | null> {
  let note: unknown;
  try {
    note = JSON.parse(await readFile(path, 'utf8'));
  } catch {
    return null;
  }
  return isNote(note) && note.target === targetOf(request) ? note : null;
}

/** The name of the file in a folder whose part was begun for this request; null: there is none. */
export async function findPart(folder: string, request: Request): Promise<string | null> {
  const names: string[] = await readdir(folder).catch(() => []);
  for (const name of names.filter((name) => name.endsWith(NOTE_ENDING) && name !== NOTE_ENDING).sort()) {
    const file = name.slice(0, -NOTE_ENDING.length);
    if (names.includes(`${file}.part`) && (await readNote(nodePath.join(folder, name), request)) !== null) return file;
  }
  return null;
}

/** Behind the name of the file. */
export const NOTE_ENDING = '.part.json';

/** @throws what the file system says */
export async function writeNote(path: string, note: PartNote): Promise<void> {
  await writeFile(path, JSON.stringify(note), { __proto__: null, mode: 0o600, encoding: 'utf8', flag: 'w' } as never);
}

/** @throws what the file system says */
export async function removeNote(path: string): Promise<void> {
  await rm(path, { __proto__: null, force: true } as never);
}

/** What could be resumed of this response; null: its content is coded, or nothing says later on that it is the same still. */
export function noteOf(request: Request, response: Response): PartNote | null {
  const { headers } = response;
  if (isCoded(headers)) return null;
  const etag = strongTag(headers);
  const lastModified = etag === null ? strongDate(headers) : null;
  if (etag === null && lastModified === null) return null;
  return { target: targetOf(request), etag, lastModified, total: response.declaredLength };
}

/** Asks for the rest, or for the whole if the content is another one by now (RFC 9110 §13.1.5). */
export function askForRest(headers: Headers, note: PartNote, offset: number): void {
  headers.set('Range', `bytes=${offset}-`);
  headers.set('If-Range', (note.etag ?? note.lastModified) as string);
}

/**
 * Where a 206 ends, if it is the rest of that content from `offset` on, and the whole rest; else null: a server that answers with
 * another range, of another length or of other content, is not believed at all.
 */
export function restOf(response: Response, note: PartNote, offset: number): number | null {
  const { headers } = response;
  const [, first, last, total] = /^bytes (\d{1,15})-(\d{1,15})\/(\d{1,15})$/i.exec(one(headers, 'content-range')) ?? [];
  if (first === undefined || Number(first) !== offset) return null;
  const size = Number(total);
  if (Number(last) !== size - 1 || size <= offset || (note.total !== null && note.total !== size)) return null;
  const { declaredLength } = response;
  if (declaredLength !== null && declaredLength !== size - offset) return null;
  return isCoded(headers) || !isSame(headers, note, true) ? null : size;
}

/** Whether a 416 says that there is nothing behind `offset`: the part, of a content whose length was not known, is the whole. */
export function isWhole(response: Response, note: PartNote, offset: number): boolean {
  const [, total] = /^bytes \*\/(\d{1,15})$/i.exec(one(response.headers, 'content-range')) ?? [];
  // Of a known length at least one byte was asked for, which is there.
  return note.total === null && Number(total) === offset && isSame(response.headers, note, false);
}

/** §15.3.7: a 206 has the ETag that a 200 would have had, but with If-Range it need not have the date. */
function isSame(headers: Headers, note: PartNote, mustSay: boolean): boolean {
  if (note.etag !== null) {
    const etag = headers.get('etag');
    return etag === undefined ? !mustSay : etag === note.etag;
  }
  const lastModified = headers.get('last-modified');
  return lastModified === undefined || lastModified === note.lastModified;
}

function isCoded(headers: Headers): boolean {
  const coding = headers.get('content-encoding');
  return coding !== undefined && coding.trim().toLowerCase() !== 'identity';
}

/** §8.8.3: what is quoted, and not marked as weak. */
function strongTag(headers: Headers): string | null {
  const etag = one(headers, 'etag');
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(etag) ? etag : null;
}

/** §8.8.2.2: a date is strong when the content cannot have changed twice within its second: it was old already. */
function strongDate(headers: Headers): string | null {
  const lastModified = one(headers, 'last-modified');
  const modified = Date.parse(lastModified);
  const date = Date.parse(one(headers, 'date'));
  return modified + 1_000 <= (Number.isNaN(date) ? Date.now() : date) ? lastModified : null;
}

/** The value of a field that stands there once, else ''. */
function one(headers: Headers, name: string): string {
  const lines = headers.getList(name);
  return lines.length === 1 ? lines[0] : '';
}

/** Not the origin: a file may have moved to a mirror, or the server to another port; its validator and length tell. */
function targetOf(request: Request): string {
  return createHash('sha256').update(`${request.method} ${request.url.fullPath}`).digest('hex');
}

function isNote(value: unknown): value is PartNote {
  if (typeof value !== 'object' || value === null) return false;
  const { target, etag, lastModified, total } = Object.assign(
    Object.create(null) as Partial<Record<keyof PartNote, unknown>>,
    value,
  );
  const isText = (text: unknown) => text === null || (typeof text === 'string' && /^[\x20-\x7e\x80-\xff]+$/.test(text));
  const hasLength = total === null || (Number.isSafeInteger(total) && (total as number) >= 0);
  return (
    typeof target === 'string' && isText(etag) && isText(lastModified) && (etag ?? lastModified) !== null && hasLength
  );
}

/** The body of a response on stdout: its bytes in a pipe; on a terminal text that can be read, JSON laid out, binary named only. */

import type { Response } from '../response/response.js';
import { colorJson, layOutJson } from './json-layout.js';
import type { Output } from './output.js';
import { plain } from './colors.js';
import { visible } from './visible-text.js';

const MAX_HELD_BYTES = 8 * 1024 * 1024;

/** Writes the body, to its end. @param isRaw Its bytes as they are, also on a terminal. @throws OutputClosed, and what reading it throws */
export async function writeBody(response: Response, output: Output, isRaw = false): Promise<void> {
  if (output.isTerminal && !isRaw) return writeShown(response, output);
  if (!isRaw && output.paint !== plain && isJson(response)) return writeColored(response, output);
  for await (const chunk of response.iterBytes()) await output.write(chunk);
}

/** On a terminal. @param maxHeld Bytes of a text that are held to be laid out; what is longer is shown as it comes. */
export async function writeShown(response: Response, output: Output, maxHeld = MAX_HELD_BYTES): Promise<void> {
  const decoder = decoderFor(response.encoding);
  let text = '';
  let size = 0;
  let isHeld = true;
  let last = '\n';
  const show = async (part: string): Promise<void> => {
    const shown = visible(part);
    if (shown !== '') last = shown.at(-1) as string;
    await output.write(shown);
  };
  for await (const chunk of response.iterBytes()) {
    if (size === 0 && isBinary(response, chunk)) return writeBinaryNote(response, output);
    size += chunk.length;
    text += decoder.decode(chunk, { stream: true });
    if (isHeld && size <= maxHeld) continue;
    isHeld = false;
    // The end of a line may be cut in two.
    const [whole, rest] = text.endsWith('\r') ? [text.slice(0, -1), '\r'] : [text, ''];
    await show(whole);
    text = rest;
  }
  text += decoder.decode();
  const laid = isHeld ? laidOut(response, text, output) : null;
  if (laid !== null) return output.write(`${laid}\n`);
  await show(text);
  if (last !== '\n') await output.write('\n');
}

/** null: it is no JSON. */
export function laidOut(response: Response, text: string, output: Output): string | null {
  return mayBeJson(response, text) ? layOutJson(text.replace(/^\ufeff/, ''), output.paint, visible) : null;
}

async function writeColored(response: Response, output: Output): Promise<void> {
  const bytes = await response.read();
  await output.write(bytes.length > MAX_HELD_BYTES ? bytes : colorJson(bytes.toString(), output.paint));
}

async function writeBinaryNote(response: Response, output: Output): Promise<void> {
  const type = response.headers.get('content-type');
  const length = response.headers.has('content-encoding') ? undefined : response.headers.get('content-length');
  const size = length !== undefined && /^\d+$/.test(length) ? `, ${Number(length).toLocaleString('en')} bytes` : '';
  await response.close();
  const what = `[binary body${type === undefined ? '' : `, ${visible(type)}`}${size}: not shown; -o FILE saves it]`;
  await output.write(`${output.paint('dim', what)}\n`);
}

/** By its type, or by a NUL in its beginning, as git tells it. */
function isBinary(response: Response, beginning: Uint8Array): boolean {
  const type = response.headers.get('content-type') ?? '';
  if (/^\s*(?:image\/(?!svg)|audio\/|video\/|font\/|application\/(?:octet-stream|zip|gzip|pdf|wasm|x-tar))/i.test(type))
    return true;
  return !/utf-?(?:16|32)/i.test(type) && beginning.subarray(0, 8_000).includes(0);
}

/** By its type; text without one, or a plain one, may be as well. */
function mayBeJson(response: Response, text: string): boolean {
  return (
    isJson(response) ||
    (/^(?:text\/(?:plain|javascript)|$)/i.test(response.headers.get('content-type') ?? '') && /^\s*[[{]/.test(text))
  );
}

function isJson(response: Response): boolean {
  return /^\s*[\w.+-]+\/(?:[\w.+-]*\+)?(?:json|json5|problem\+json)\b/i.test(
    response.headers.get('content-type') ?? '',
  );
}

/** A charset that is not known is read as UTF-8. */
function decoderFor(encoding: string): InstanceType<typeof TextDecoder> {
  try {
    return new TextDecoder(encoding);
  } catch {
    return new TextDecoder();
  }
}

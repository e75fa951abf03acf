/** `--stream`: the body as it comes. On a terminal each event and each JSON line is laid out; in a pipe the bytes stay. */

import type { Response } from '../response/response.js';
import type { ServerSentEvent } from '../response/event-stream.js';
import { layOutJson } from './json-layout.js';
import type { Output } from './output.js';
import { writeShown } from './response-body.js';
import { visible, visibleLine } from './visible-text.js';

/** @throws OutputClosed, and what reading throws */
export async function writeStream(response: Response, output: Output): Promise<void> {
  const type = response.headers.get('content-type') ?? '';
  if (output.isTerminal && /^\s*text\/event-stream\b/i.test(type)) {
    let id = '';
    for await (const event of response.events()) {
      await output.write(shownEvent(event, id, output));
      ({ id } = event);
    }
  } else if (output.isTerminal && /^\s*application\/(?:x-)?(?:nd-?json|json-?lines|jsonl|json-seq)\b/i.test(type)) {
    for await (const line of response.iterLines())
      if (line.trim() !== '') await output.write(`${shownJson(line.replaceAll('\x1e', ''), output)}\n`);
  } else if (output.isTerminal) {
    await writeShown(response, output, 0);
  } else {
    for await (const chunk of response.iterBytes()) await output.write(chunk);
  }
}

/** @param before The id so far, which lasts until there is another one. */
function shownEvent({ event, data, id }: ServerSentEvent, before: string, output: Output): string {
  const { paint } = output;
  const lines: string[] = [];
  const field = (name: string, value: string) =>
    lines.push(`${paint('name', name)}${paint('mark', ':')} ${visibleLine(value)}`);
  if (event !== 'message') field('event', event);
  if (id !== before) field('id', id);
  lines.push(shownJson(data, output), '');
  return `${lines.join('\n')}\n`;
}

function shownJson(text: string, output: Output): string {
  return (/^\s*[[{]/.test(text) ? layOutJson(text, output.paint, visible) : null) ?? visible(text);
}

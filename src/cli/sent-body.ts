/** The body that was sent, for `--print B` and `-vv`. */

import { RequestNotRead } from '../errors.js';
import type { Request } from '../request/request.js';
import { layOutJson } from './json-layout.js';
import type { Output } from './output.js';
import { visible } from './visible-text.js';

/** null: it was sent while it was read, and is gone. */
export function sentBody(request: Request): Buffer | null {
  try {
    return request.content;
  } catch (error) {
    if (error instanceof RequestNotRead) return null;
    throw error;
  }
}

export async function writeRequestBody(request: Request, output: Output): Promise<void> {
  const body = sentBody(request);
  if (body === null) return output.note('the body of the request was sent from a file or a stream, and is not shown');
  if (body.length === 0) return;
  if (!output.isTerminal) return output.write(Buffer.concat([body, Buffer.from('\n\n')]));
  if (body.includes(0))
    return output.write(`${output.paint('dim', `[binary body, ${body.length} bytes: not shown]`)}\n\n`);
  const text = body.toString();
  return output.write(`${layOutJson(text, output.paint, visible) ?? visible(text)}\n\n`);
}

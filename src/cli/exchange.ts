/** One request, and its response on stdout. What is printed of it is told by the options and the output. */

import type { Client } from '../client/client.js';
import type { Response } from '../response/response.js';
import type { Arguments } from './arguments.js';
import { exitCodeOf } from './exit-code.js';
import { requestBytes, requestHead, responseBytes, responseHead } from './message-head.js';
import type { Output } from './output.js';
import type { RequestPlan } from './request-options.js';
import { writeBody } from './response-body.js';
import { badValue } from './usage-error.js';

/** Parts of the two messages, as HTTPie names them. */
export interface Parts {
  readonly requestHead: boolean;
  readonly requestBody: boolean;
  readonly responseHead: boolean;
  readonly responseBody: boolean;
}

/** @throws UsageError */
export function partsOf(args: Arguments, isTerminal: boolean): Parts {
  const given = args.value('print');
  if (given !== undefined && !/^[HBhb]*$/.test(given)) throw badValue('--print', given, 'letters of HBhb');
  const isShown = isTerminal && !goesToStdout(args);
  const shown = given ?? (args.has('head') ? 'h' : args.has('include') || isShown ? 'hb' : 'b');
  return {
    requestHead: shown.includes('H'),
    requestBody: shown.includes('B'),
    responseHead: shown.includes('h'),
    responseBody: shown.includes('b'),
  };
}

/** `-o -`: the bytes as they are, also where they are seen on a terminal. */
export function goesToStdout(args: Arguments): boolean {
  return args.value('output') === '-';
}

/** The exit code. @throws what the client does, OutputClosed */
export async function exchange(
  client: Client,
  plan: RequestPlan,
  args: Arguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const parts = partsOf(args, output.isTerminal);
  const response = await client.stream(plan.method, plan.url, { ...plan.options, signal });
  try {
    await writeParts(response, parts, output);
    const isWithheld = args.has('fail') && response.isError;
    if (parts.responseBody && !isWithheld) {
      if (args.has('stream') && !goesToStdout(args)) {
        const { writeStream } = await import('./response-stream.js');
        await writeStream(response, output);
      } else await writeBody(response, output, goesToStdout(args));
    } else if (isWithheld && !parts.responseHead) {
      output.note(responseHead(response, output.paintNotes)[0]);
    }
    return exitCodeOf(response.statusCode);
  } finally {
    await response.close();
  }
}

/** The request and the head of the response. @throws OutputClosed */
export async function writeParts(response: Response, parts: Parts, output: Output): Promise<void> {
  await writeRequest(response, parts, output);
  if (parts.responseHead) await writeHead(response, output);
}

async function writeRequest(response: Response, parts: Parts, output: Output): Promise<void> {
  const { request, httpVersion } = response;
  if (parts.requestHead) {
    const lines = () => `${requestHead(request, httpVersion, output.paint).join('\n')}\n\n`;
    await output.write(output.isTerminal ? lines() : requestBytes(request, httpVersion));
  }
  if (!parts.requestBody) return;
  const { writeRequestBody } = await import('./sent-body.js');
  await writeRequestBody(request, output);
}

async function writeHead(response: Response, output: Output): Promise<void> {
  if (output.isTerminal || output.hasColor)
    await output.write(`${responseHead(response, output.paint).join('\n')}\n\n`);
  else await output.write(responseBytes(response));
}

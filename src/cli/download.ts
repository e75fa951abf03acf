/** `-o` and `-O`: the body into a file, which has its name only when it is whole. How parts and their continuation work is the client's. */

import { pipeline } from 'node:stream/promises';
import type { Client } from '../client/client.js';
import type { DownloadOptions } from '../client/download-options.js';
import type { Response } from '../response/response.js';
import { HTTPStatusError } from '../errors.js';
import type { Arguments } from './arguments.js';
import { partsOf, writeParts } from './exchange.js';
import { EXIT, exitCodeOf } from './exit-code.js';
import { nameFor } from './file-name.js';
import { checkFolder, checkWritable, kindOf } from './files.js';
import { responseHead } from './message-head.js';
import { isTerminal, OutputClosed, type Output } from './output.js';
import { openProgress, savedLine, type Progress } from './progress.js';
import type { RequestPlan } from './request-options.js';
import { badValue } from './usage-error.js';
import { visibleLine } from './visible-text.js';

/** Says what is wrong with the options before anything is asked or sent. @throws UsageError */
export function checkDownload(args: Arguments): void {
  checksumOf(args);
  const file = args.value('output');
  if (file === undefined) return checkFolder('--download', '.');
  if (isDevice(file)) return undefined;
  checkWritable('--output', file);
  // The longer names beside it have to fit, too.
  for (const ending of ['.part', '.part.json']) kindOf('--output', `${file}${ending}`);
  return undefined;
}

/** The exit code. @throws what the client does */
export async function download(
  client: Client,
  plan: RequestPlan,
  args: Arguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const file = args.value('output');
  if (file !== undefined && isDevice(file)) return intoDevice(client, plan, file, args, output, signal);
  const progress = args.has('no-progress') ? null : openProgress(output, isTerminal(2) && process.env.TERM !== 'dumb');
  const started = performance.now();
  try {
    const saved = await client.download(plan.url, file ?? '.', {
      ...plan.options,
      ...optionsOf(args, plan, progress),
      signal,
    } as DownloadOptions);
    progress?.stop();
    if (!args.has('no-progress')) {
      output.note(savedLine(visibleLine(saved.path), saved.size, saved.resumedFrom, performance.now() - started));
    }
    if (saved.response === null) return EXIT.ok;
    await writeHeads(saved.response, args, output);
    return exitCodeOf(saved.response.statusCode);
  } catch (error) {
    progress?.stop();
    // There is a response, but none to keep.
    if (!(error instanceof HTTPStatusError)) throw error;
    output.note(responseHead(error.response, output.paintNotes)[0]);
    await writeHeads(error.response, args, output);
    return exitCodeOf(error.response.statusCode);
  }
}

function optionsOf(args: Arguments, plan: RequestPlan, progress: Progress | null): Partial<DownloadOptions> {
  const resume = args.has('resume');
  const checksum = checksumOf(args);
  return {
    method: plan.method,
    resume,
    checksum,
    fsync: args.has('fsync'),
    // An error's page is what was asked for with -o alone; it is nothing to go on from, to check, or to name a file after.
    raiseForStatus: args.has('download') || args.has('fail') || resume || checksum !== undefined,
    ...(args.has('download') && {
      ifExists: 'fail' as const,
      fileName: (response: Response) => nameFor(response, '.'),
    }),
    ...(progress !== null && {
      onDownloadProgress: (received: number, total: number | null) => progress.update(received, total),
    }),
  };
}

function checksumOf(args: Arguments): DownloadOptions['checksum'] {
  const text = args.value('checksum');
  if (text === undefined) return undefined;
  const [, algorithm, digest] = /^(sha256|sha512):([\da-f]+)$/i.exec(text) ?? [];
  const isWhole = digest?.length === (algorithm?.toLowerCase() === 'sha256' ? 64 : 128);
  if (!isWhole) throw badValue('--checksum', text, 'sha256: and 64, or sha512: and 128, hexadecimal digits');
  return algorithm.toLowerCase() === 'sha256' ? { sha256: digest } : { sha512: digest };
}

/** /dev/null, a pipe: nothing that could be named later on. */
function isDevice(file: string): boolean {
  const state = kindOf('--output', file);
  return state !== undefined && !state.isFile() && !state.isDirectory();
}

async function intoDevice(
  client: Client,
  plan: RequestPlan,
  file: string,
  args: Arguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const { openToWrite } = await import('./pipes.js');
  const response = await client.stream(plan.method, plan.url, { ...plan.options, signal });
  try {
    await writeHeads(response, args, output);
    const isWithheld = args.has('fail') && response.isError;
    if (!isWithheld) await pipeline(response.iterBytes(), await openToWrite(file, signal), { signal });
    return exitCodeOf(response.statusCode);
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EPIPE' ? new OutputClosed() : error;
  } finally {
    await response.close();
  }
}

/** What was asked for besides the body, on stdout. */
async function writeHeads(response: Response, args: Arguments, output: Output): Promise<void> {
  if (['head', 'include', 'print'].some((name) => args.has(name))) {
    await writeParts(response, { ...partsOf(args, false), responseBody: false }, output);
  }
}

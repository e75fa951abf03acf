/** The command: reads its arguments, does what they ask for, and says how it ended. */

import { Client } from '../client/client.js';
import { readArguments, type Arguments } from './arguments.js';
import { clientOptions } from './client-options.js';
import { exchange, goesToStdout, partsOf } from './exchange.js';
import { EXIT } from './exit-code.js';
import { reportFailure } from './failure.js';
import { abortOnSignals, Interrupted } from './interrupted.js';
import { Output, OutputClosed, writeNote } from './output.js';
import { planRequest, type RequestPlan } from './request-options.js';

/** Runs the command to its end; the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  let args: Arguments | null = null;
  const abort = new AbortController();
  abortOnSignals(abort);
  try {
    args = readArguments(words);
    const output = new Output(args, abort.signal);
    output.onClosed((reason) => abort.abort(reason));
    const exitCode = (await writtenHere(args, output)) ?? (await send(args, output, abort.signal));
    await output.flush();
    const { reason } = abort.signal as { reason: unknown };
    return reason instanceof Interrupted ? reason.exitCode : exitCode;
  } catch (thrown) {
    // What was given up because of the signal says so in its own ways.
    const error: unknown = abort.signal.aborted ? abort.signal.reason : thrown;
    if (error instanceof OutputClosed) return EXIT.ok;
    if (error instanceof Interrupted) return error.exitCode;
    const { lines, exitCode } = reportFailure(error, args);
    writeNote(lines.join('\n'));
    return exitCode;
  }
}

/** What needs no server; null: there is a request to send. */
async function writtenHere(args: Arguments, output: Output): Promise<number | null> {
  if (args.has('help')) {
    const { helpText } = await import('./help.js');
    await output.write(helpText());
  } else if (args.has('version')) {
    const { versionText } = await import('./help.js');
    await output.write(versionText());
  } else if (args.has('completion')) {
    const { completionScript } = await import('./completion.js');
    await output.write(completionScript(args.value('completion') as string));
  } else return null;
  return EXIT.ok;
}

async function send(args: Arguments, output: Output, signal: AbortSignal): Promise<number> {
  // What is wrong with the options is said before a password is asked for or anything is sent.
  partsOf(args, output.isTerminal);
  const options = await clientOptions(args, signal);
  const isDownload = args.has('download') || (args.has('output') && !goesToStdout(args));
  const download = isDownload ? await import('./download.js') : null;
  download?.checkDownload(args);
  const bench = args.has('bench') ? await import('./bench.js') : null;
  bench?.checkBench(args);
  const plan = await planRequest(args, signal);
  const jar = args.value('cookie-jar');
  if (jar !== undefined && !args.has('curl')) {
    const { loadCookies } = await import('./cookie-jar.js');
    options.cookies = await loadCookies(jar);
  }
  const verbose = args.has('verbose') ? new (await import('./verbose.js')).Verbose(args, output) : null;
  if (verbose !== null) options.eventHooks = verbose.hooks;
  const client = new Client(options);
  try {
    if (args.has('curl')) {
      const { curlCommand } = await import('./curl-command.js');
      await output.write(`${await curlCommand(client, plan, args)}\n`);
      return EXIT.ok;
    }
    if (download !== null) return await download.download(client, plan, args, output, signal);
    if (bench !== null) return await bench.bench(client, plan, args, output, signal);
    return await respond(client, plan, args, output, signal);
  } catch (error) {
    verbose?.fail(error);
    throw error;
  } finally {
    if (jar !== undefined && !args.has('curl')) await client.cookies.save(jar);
    verbose?.finish();
    await client.close();
  }
}

async function respond(
  client: Client,
  plan: RequestPlan,
  args: Arguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  if (!args.has('json-output')) return exchange(client, plan, args, output, signal);
  const { writeJson } = await import('./json-output.js');
  return writeJson(client, plan, args, output, signal);
}

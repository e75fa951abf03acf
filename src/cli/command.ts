/** The command: reads its arguments, does what they ask for, and says how it ended. */

import { Client } from '../client/client.js';
import { version } from '../version.js';
import { readArguments, type Arguments } from './arguments.js';
import { clientOptions } from './client-options.js';
import { exchange, partsOf } from './exchange.js';
import { EXIT } from './exit-code.js';
import { reportFailure } from './failure.js';
import { Interrupted } from './interrupted.js';
import { Output, OutputClosed } from './output.js';
import { planRequest } from './request-options.js';
import { UsageError } from './usage-error.js';

/** Runs the command to its end; the exit code. */
export async function main(words: readonly string[]): Promise<number> {
  let args: Arguments | null = null;
  const abort = new AbortController();
  process.on('SIGINT', () => {
    // The second time there is no patience left.
    if (abort.signal.aborted) process.exit(EXIT.interrupted);
    abort.abort(new Interrupted());
  });
  try {
    args = readArguments(words);
    const output = new Output(args);
    output.onClosed(() => abort.abort(new OutputClosed()));
    return await run(args, output, abort.signal);
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT.ok;
    if (error instanceof Interrupted) return EXIT.interrupted;
    const { lines, exitCode } = reportFailure(error, args);
    process.stderr.write(`${lines.join('\n')}\n`);
    return exitCode;
  }
}

async function run(args: Arguments, output: Output, signal: AbortSignal): Promise<number> {
  if (args.has('help')) {
    const { helpText } = await import('./help.js');
    await output.write(helpText());
    return EXIT.ok;
  }
  if (args.has('version')) {
    await output.write(`whippet ${version}\n`);
    return EXIT.ok;
  }
  for (const name of NOT_YET) if (args.has(name)) throw new UsageError(`--${name}: not there yet`);
  // What is wrong with it is said before anything is sent.
  partsOf(args, output.isTerminal);
  const options = clientOptions(args);
  const plan = await planRequest(args);
  const client = new Client(options);
  try {
    return await exchange(client, plan, args, output, signal);
  } finally {
    await client.close();
  }
}

const NOT_YET = ['cookie-jar', 'verbose', 'json-output', 'output', 'download', 'curl', 'bench', 'completion'];

/** What the scripts have in common as programs: where the repository is, how they speak, how they stop. */
import { spawnSync } from 'node:child_process';
import { realpathSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** A reason to stop that a person can act on: printed as one line, without a stack. */
export class SetupError extends Error {
  name = 'SetupError';
}

/** Progress goes to stderr, so that stdout stays the caller's. */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/** A duration as people read it. */
export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Runs `main` as a program: a SetupError becomes one line and exit code 1. */
export async function asProgram(main) {
  try {
    await main();
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}

/** Whether the module with this `import.meta` is what `node` was asked to run. */
export function isProgram(meta) {
  return process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(meta.url);
}

/**
 * Runs a command in the repository, or in `folder`, its output on stderr. Throws a SetupError when it does not start or does not end
 * well.
 */
export function execute(command, args, environment = {}, folder = root) {
  const env = { ...process.env, ...environment };
  const { status, error } = spawnSync(command, args, { cwd: folder, env, stdio: ['ignore', 2, 2] });
  if (error !== undefined) throw new SetupError(`${command}: ${error.message}`);
  if (status !== 0) throw new SetupError(`${command} failed: its reason is above`);
}

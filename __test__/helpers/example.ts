/** The programs in examples/, run as their readers would run them: in a process of their own, over the built package. */
import { spawn } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { fileURLToPath } from 'node:url';
import { watch, type Running } from './child.js';

export const examplesFolder: string = fileURLToPath(new URL('../../examples', import.meta.url));

export interface ExampleOptions {
  /** Besides PATH. */
  env?: Record<string, string>;
  /** Node's own, before the program. */
  flags?: readonly string[];
}

/** Starts `examples/NAME` with arguments. A program that does not end within a minute is killed. */
export function startExample(
  t: ExecutionContext,
  name: string,
  args: readonly string[],
  { env = {}, flags = [] }: ExampleOptions = {},
): Running {
  const child = spawn(process.execPath, [...flags, `${examplesFolder}/${name}`, ...args], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 60_000,
    killSignal: 'SIGKILL',
  });
  return watch(t, child);
}

/** Runs it to its end, which has to be an orderly one with this exit code and nothing on stderr; the lines that it printed. */
export async function runExample(
  t: ExecutionContext,
  name: string,
  args: readonly string[],
  options: ExampleOptions & { code?: number; stderr?: RegExp } = {},
): Promise<string[]> {
  const { code, signal, stdout, stderr } = await startExample(t, name, args, options).ended;
  t.deepEqual({ code, signal }, { code: options.code ?? 0, signal: null }, stdout + stderr);
  t.regex(stderr, options.stderr ?? /^$/);
  return stdout.split('\n').slice(0, -1);
}

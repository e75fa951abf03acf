/** The command `whippet`, as it is installed (dist/cli): in pipes, and on a terminal that `script` makes. */
import type { ExecutionContext } from 'ava';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** What `bin` of the package names. */
export const program: string = fileURLToPath(new URL('../../dist/cli/whippet.cjs', import.meta.url));

/** util-linux' `script` makes a terminal for a program. */
export const hasTerminal: boolean = /util-linux/.test(String(spawnSync('script', ['--version']).stdout));

export interface CommandOptions {
  /** Beside PATH and HOME, which is an empty folder. */
  env?: Record<string, string>;
  cwd?: string;
  /** Piped into it; null leaves stdin open. Default: /dev/null. */
  input?: string | Uint8Array | null;
}

export interface CommandEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly bytes: Buffer;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly process: ChildProcess;
  readonly ended: Promise<CommandEnd>;
}

/** Starts the command with pipes. */
export function startCommand(
  t: ExecutionContext,
  args: readonly string[],
  options: CommandOptions = {},
): RunningCommand {
  return watch(t, process.execPath, [program, ...args], options);
}

/** Runs the command with pipes, to its end. */
export function runCommand(
  t: ExecutionContext,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandEnd> {
  return startCommand(t, args, options).ended;
}

/** Runs the command under another one, such as strace with its options, with pipes, to its end. */
export function runUnder(
  t: ExecutionContext,
  [name, ...words]: readonly [string, ...string[]],
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandEnd> {
  return watch(t, name, [...words, process.execPath, program, ...args], options).ended;
}

export interface TerminalOptions extends CommandOptions {
  /** 80. */
  columns?: number;
  /** Of the shell, behind the command. */
  redirections?: string;
}

/** Starts the command on a terminal: stdin, stdout and stderr are one. What is typed is written to its `process.stdin`. */
export function startOnTerminal(
  t: ExecutionContext,
  args: readonly string[],
  options: TerminalOptions = {},
): RunningCommand {
  const { columns = 80, redirections = '', env = {}, ...rest } = options;
  const words = [process.execPath, program, ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  const line = `stty cols ${columns} rows 30; exec ${words.join(' ')} ${redirections}`;
  return watch(t, 'script', ['-qec', line, '/dev/null'], {
    input: null,
    env: { TERM: 'xterm', SHELL: '/bin/sh', ...env },
    ...rest,
  });
}

/** Runs the command on a terminal; what is there to see. */
export async function runOnTerminal(
  t: ExecutionContext,
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<CommandEnd> {
  return startOnTerminal(t, args, options).ended;
}

/** Without the colours. */
export function withoutColors(text: string): string {
  return text.replace(/\x1b\[[\d;]*m/g, '');
}

function watch(t: ExecutionContext, file: string, args: readonly string[], options: CommandOptions): RunningCommand {
  const { env = {}, cwd, input } = options;
  const home = mkdtempSync(path.join(tmpdir(), 'whippet-home-'));
  const child = spawn(file, args, {
    cwd: cwd ?? home,
    env: {
      PATH: process.env.PATH,
      HOME: home,
      ...(process.env.WHIPPET_ADDON_PATH && { WHIPPET_ADDON_PATH: process.env.WHIPPET_ADDON_PATH }),
      ...env,
    },
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    timeout: 40_000,
    killSignal: 'SIGKILL',
  });
  t.teardown(() => {
    child.kill('SIGKILL');
    rmSync(home, { recursive: true, force: true });
  });
  if (child.stdin !== null) {
    child.stdin.on('error', () => {});
    if (input !== null) child.stdin.end(input);
  }
  const chunks: { stdout: Buffer[]; stderr: Buffer[] } = { stdout: [], stderr: [] };
  child.stdout?.on('data', (chunk: Buffer) => chunks.stdout.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => chunks.stderr.push(chunk));
  const ended = new Promise<CommandEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      const bytes = Buffer.concat(chunks.stdout);
      resolve({ code, signal, bytes, stdout: bytes.toString(), stderr: Buffer.concat(chunks.stderr).toString() });
    });
  });
  return { process: child, ended };
}

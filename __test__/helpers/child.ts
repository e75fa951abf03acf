/** Programs of their own: for what happens when a process or a thread ends. */
import { spawn, type ChildProcess, type ChildProcessByStdio } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { ExecutionContext } from 'ava';

/** The rest of the environment is not theirs. All but PATH are there for AddressSanitizer (scripts/test-asan.js). */
const PASSED_ON = ['PATH', 'LD_PRELOAD', 'ASAN_OPTIONS', 'NODE_OPTIONS', 'WHIPPET_ASAN_ADDON'];

/** The built package, as a program imports it. */
export const packageUrl: string = new URL('../../index.js', import.meta.url).href;

export interface Ended {
  code: number | null;
  signal: string | null;
  stdout: string;
  stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  /** How it ended. A program that does not end within fifty seconds is killed. */
  readonly ended: Promise<Ended>;
  /** Resolves when the program has printed the line. */
  printed(line: string): Promise<void>;
}

/** Starts a program: an ES module that finds the package as `whippet` and `args` as `args`. */
export function start(t: ExecutionContext, program: string, args: unknown = {}, flags: string[] = []): Running {
  const code = `import * as whippet from ${JSON.stringify(packageUrl)};\n${withArgs(program, args)}`;
  return startBare(t, code, flags);
}

/** As `start`, without the package. */
export function startBare(t: ExecutionContext, program: string, flags: string[] = []): Running {
  const child = spawn(process.execPath, [...flags, '--input-type=module', '-e', program], {
    env: Object.fromEntries(PASSED_ON.map((name) => [name, process.env[name]])),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: process.env.ASAN_OPTIONS === undefined ? 50_000 : 200_000,
    killSignal: 'SIGKILL',
  });
  return watch(t, child);
}

/** What a process prints, and how it ends. It is killed with the test. */
export function watch(t: ExecutionContext, child: ChildProcessByStdio<null, Readable, Readable>): Running {
  t.teardown(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  const watchers: (() => void)[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
    for (const watch of watchers) watch();
  });
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const printed = (line: string): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = () => `\n${stdout}`.includes(`\n${line}\n`) && resolve();
      watchers.push(look);
      look();
      void ended.then(({ stderr }) => reject(new Error(`the program ended without printing ${line}: ${stderr}`)));
    });
  return { process: child, ended, printed };
}

/** Runs a program to its end, which has to be an orderly one with this exit code and nothing on stderr; what it printed. */
export async function run(t: ExecutionContext, program: string, args: unknown = {}, code = 0): Promise<string> {
  return endsWith(t, await start(t, program, args).ended, code);
}

/** Asserts an orderly end. */
export function endsWith(t: ExecutionContext, { stdout, stderr, ...end }: Ended, code = 0): string {
  t.deepEqual({ ...end, stderr }, { code, signal: null, stderr: '' }, stdout);
  return stdout;
}

/** The program with `args` defined. */
export function withArgs(program: string, args: unknown): string {
  return `const args = ${JSON.stringify(args)};\n${program}`;
}

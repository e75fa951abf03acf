/** Environment variables and files that a test sets up. AVA runs each file in a process of its own, but its tests together. */
import type { ExecutionContext } from 'ava';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { folderOf } from './files.js';

/**
 * Writes a netrc file and has NETRC name it. A client reads it with its first request: between this and that, nothing else of the
 * file's tests may run.
 */
export function writeNetRC(t: ExecutionContext, text: string | Uint8Array): string {
  const file = path.join(folderOf(t), 'netrc');
  writeFileSync(file, text, { mode: 0o600 });
  setEnvironment(t, 'NETRC', file);
  return file;
}

/** Sets a variable, or removes it, until the test ends. */
export function setEnvironment(t: ExecutionContext, name: string, value: string | undefined): void {
  const before = process.env[name];
  const set = (to: string | undefined): void => {
    if (to === undefined) delete process.env[name];
    else process.env[name] = to;
  };
  set(value);
  t.teardown(() => set(before));
}

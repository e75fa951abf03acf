/** Environment variables and files that a test sets up. AVA runs each file in a process of its own, but its tests together. */
import type { ExecutionContext } from 'ava';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A folder that goes with the test. */
export function makeFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'whippet-test-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/**
 * Writes a netrc file and has NETRC name it. A client reads it with its first request: between this and that, nothing else of the
 * file's tests may run.
 */
export function writeNetRC(t: ExecutionContext, text: string | Uint8Array): string {
  const file = path.join(makeFolder(t), 'netrc');
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

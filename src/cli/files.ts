/** Files that a command line names: they are there before anything is sent. */

import { accessSync, constants, readFileSync, statSync, type Stats } from 'node:fs';
import path from 'node:path';
import { shown, UsageError } from './usage-error.js';

/** @throws UsageError when it is missing or a folder */
export function checkReadable(option: string, file: string): string {
  return reading(option, file, () => {
    if (file.includes('\0')) throw new UsageError(`${option}: NUL is not allowed in a path`);
    if (statSync(file).isDirectory()) throw new UsageError(`${option}: ${shown(file)} is a directory`);
    accessSync(file, constants.R_OK);
    return file;
  });
}

/** @throws UsageError when it cannot be read */
export async function readText(option: string, file: string, signal: AbortSignal): Promise<string> {
  return (await readBytes(option, file, signal)).toString();
}

/** @throws UsageError when it cannot be read */
export async function readBytes(option: string, file: string, signal: AbortSignal): Promise<Buffer> {
  checkReadable(option, file);
  if (reading(option, file, () => statSync(file).isFile())) return reading(option, file, () => readFileSync(file));
  const { readPipe } = await import('./pipes.js');
  return readPipe(file, signal);
}

/** A file that will be written. @throws UsageError when it cannot be */
export function checkWritable(option: string, file: string): string {
  if (file === '') throw new UsageError(`${option}: an empty name is no file`);
  if (file.includes('\0')) throw new UsageError(`${option}: NUL is not allowed in a path`);
  if (/[/\\]$/.test(file) || kindOf(option, file)?.isDirectory() === true) {
    throw new UsageError(`${option}: ${shown(file)} is a directory`);
  }
  checkFolder(option, path.dirname(file));
  return file;
}

/** What is there, links followed. @throws UsageError when it cannot be: the name is too long, a file is no folder */
export function kindOf(option: string, file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw why(`${option}: cannot write ${shown(file)}`, error);
  }
}

/** @throws UsageError when no file can be made in it */
export function checkFolder(option: string, folder: string): void {
  try {
    if (!statSync(folder).isDirectory()) throw new UsageError(`${option}: ${shown(folder)} is no directory`);
    accessSync(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw why(`${option}: cannot write into ${shown(folder)}`, error);
  }
}

function reading<T>(option: string, file: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw why(`${option}: cannot read ${shown(file)}`, error);
  }
}

function why(what: string, error: unknown): Error {
  if (error instanceof UsageError) return error;
  return new UsageError(`${what}: ${(error as NodeJS.ErrnoException).code ?? String(error)}`);
}

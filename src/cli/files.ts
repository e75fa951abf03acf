/** Files that a command line names: they are there before anything is sent. */

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
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
export function readText(option: string, file: string): string {
  checkReadable(option, file);
  return reading(option, file, () => readFileSync(file, 'utf8'));
}

/** A file that will be written. @throws UsageError when it cannot be */
export function checkWritable(option: string, file: string): string {
  if (file === '') throw new UsageError(`${option}: an empty name is no file`);
  if (file.includes('\0')) throw new UsageError(`${option}: NUL is not allowed in a path`);
  if (/[/\\]$/.test(file) || statSync(file, { throwIfNoEntry: false })?.isDirectory() === true) {
    throw new UsageError(`${option}: ${shown(file)} is a directory`);
  }
  checkFolder(option, path.dirname(file));
  return file;
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

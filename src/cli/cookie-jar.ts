/** `--cookie-jar`: Netscape's cookies.txt, read before the first request and written after the last one. */

import { statSync } from 'node:fs';
import { Cookies } from '../cookies/cookies.js';
import { checkReadable, checkWritable } from './files.js';
import { shown, UsageError } from './usage-error.js';

/** The cookies of the file, none when there is no such file yet. @throws UsageError */
export async function loadCookies(file: string): Promise<Cookies> {
  checkWritable('--cookie-jar', file);
  const state = statSync(file, { throwIfNoEntry: false });
  if (state === undefined) return new Cookies();
  // It would have to be read to its end before the request, and written after it.
  if (state.isFIFO() || state.isSocket()) throw new UsageError(`--cookie-jar: ${shown(file)} is a pipe, and no file`);
  checkReadable('--cookie-jar', file);
  try {
    return await Cookies.load(file);
  } catch (error) {
    throw new UsageError(`--cookie-jar: ${(error as Error).message}`);
  }
}

/** `--cookie-jar`: Netscape's cookies.txt, read before the first request and written after the last one. */

import { statSync } from 'node:fs';
import { Cookies } from '../cookies/cookies.js';
import { checkReadable, checkWritable } from './files.js';
import { UsageError } from './usage-error.js';

/** The cookies of the file, none when there is no such file yet. @throws UsageError */
export async function loadCookies(file: string): Promise<Cookies> {
  checkWritable('--cookie-jar', file);
  if (statSync(file, { throwIfNoEntry: false }) === undefined) return new Cookies();
  checkReadable('--cookie-jar', file);
  try {
    return await Cookies.load(file);
  } catch (error) {
    throw new UsageError(`--cookie-jar: ${(error as Error).message}`);
  }
}

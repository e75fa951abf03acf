/** Which of the words are the method, the URL and the items. What an item means is told by items.ts. */

import { maskedSecrets } from './secrets.js';
import { beginsAsUrl, hasScheme } from './target-url.js';
import { shown, UsageError } from './usage-error.js';

/** `[METHOD] URL [ITEM …]`. */
export interface Words {
  /** As it is sent; null when none was given. */
  readonly method: string | null;
  /** As given. */
  readonly url: string;
  readonly items: readonly string[];
}

/**
 * @param option The value of `--method`: then the first word is the URL.
 * @throws UsageError
 */
export function readWords(words: readonly string[], option: string | undefined): Words {
  const method = option === undefined ? undefined : toMethod('--method', option);
  const [first, second] = words;
  if (first === undefined) throw new UsageError('the URL is missing');
  if (isMethod(first, second)) {
    if (method !== undefined) throw new UsageError(`the method is given twice: ${shown(first)} and --method ${method}`);
    return { method: first.toUpperCase(), url: second as string, items: checkItems(words.slice(2)) };
  }
  if (second === undefined && METHODS.has(first.toUpperCase())) {
    throw new UsageError(`the URL is missing after ${first.toUpperCase()}`);
  }
  if (first === '') throw new UsageError('the URL is empty');
  return { method: method ?? null, url: first, items: checkItems(words.slice(1)) };
}

/** Another URL would be a header called `http` otherwise. @throws UsageError */
function checkItems(items: readonly string[]): readonly string[] {
  const url = items.find(hasScheme);
  if (url === undefined) return items;
  throw new UsageError(`ITEM: ${shown(maskedSecrets(url))} is a second URL, only one is asked for at a time`);
}

/** It is letters only, and what follows is a URL: `localhost a=b` has no method, and `localhost a:1` neither. */
function isMethod(word: string, next: string | undefined): boolean {
  if (next === undefined || !/^[A-Za-z]+$/.test(word)) return false;
  if (METHODS.has(word.toUpperCase())) return true;
  return word.toLowerCase() !== 'localhost' && beginsAsUrl(next);
}

/** Lower case is a habit of typing; what has both cases is meant as it stands. */
function toMethod(option: string, given: string): string {
  // RFC 9110 §9.1: a token.
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(given)) {
    throw new UsageError(`${option}: ${shown(given)} is not allowed, expected a method such as PUT`);
  }
  return /[A-Z]/.test(given) ? given : given.toUpperCase();
}

const METHODS: ReadonlySet<string> = new Set(
  'CONNECT COPY DELETE GET HEAD LOCK MKCOL MOVE OPTIONS PATCH POST PROPFIND PROPPATCH PURGE PUT QUERY REPORT SEARCH TRACE UNLOCK'.split(
    ' ',
  ),
);

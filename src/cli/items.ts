/**
 * The items of a command line, as HTTPie has them: `name==value`, `name=value`, `name:=json`, `Name:value`, `Name:`, `Name;`,
 * `name@path`, `name=@path`, `name:=@path`. A backslash before a separator makes it a plain character.
 */

import { shown, UsageError } from './usage-error.js';

/** What an item asks for. */
export type ItemKind = 'query' | 'field' | 'json' | 'header' | 'file' | 'field-file' | 'json-file';

/** One item. */
export interface Item {
  readonly kind: ItemKind;
  readonly name: string;
  /** null: the header is not sent. */
  readonly value: string | null;
}

/** The longer before the shorter that they begin with. */
const SEPARATORS: readonly (readonly [string, ItemKind])[] = [
  [':=@', 'json-file'],
  ['=@', 'field-file'],
  [':=', 'json'],
  ['==', 'query'],
  ['=', 'field'],
  [':', 'header'],
  ['@', 'file'],
];

/** @throws UsageError */
export function readItem(word: string): Item {
  let name = '';
  for (let at = 0; at < word.length; at++) {
    if (word[at] === '\\' && /[:=@;\\]/.test(word[at + 1] ?? '')) {
      name += word[++at];
      continue;
    }
    const found = SEPARATORS.find(([separator]) => word.startsWith(separator, at));
    if (found !== undefined) {
      const [separator, kind] = found;
      const value = word.slice(at + separator.length);
      return named(word, { kind, name, value: kind === 'header' && value === '' ? null : value });
    }
    if (word[at] === ';' && at === word.length - 1) return named(word, { kind: 'header', name, value: '' });
    name += word[at];
  }
  throw new UsageError(
    `ITEM: ${shown(word)} is none, expected name=value, name:=json, name==value, Name:value or name@path`,
  );
}

function named(word: string, item: Item): Item {
  // A file alone is the body.
  if (item.name === '' && item.kind !== 'file') throw new UsageError(`ITEM: ${shown(word)} has no name`);
  return item;
}

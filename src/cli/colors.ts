/** Whether and how output is coloured. */

import type { Arguments } from './arguments.js';

/** What can have a colour of its own. */
export type Role = 'name' | 'text' | 'number' | 'word' | 'mark' | 'good' | 'redirect' | 'bad' | 'dim' | 'strong';

/** Puts text into the colour of its role, or leaves it. */
export type Painter = (role: Role, text: string) => string;

export const plain: Painter = (_role, text) => text;

/** SGR parameters by style. The terminal's own sixteen colours, so that its theme is the user's. */
const STYLES: Record<string, Record<Role, string>> = {
  auto: {
    name: '36',
    text: '32',
    number: '33',
    word: '35',
    mark: '2',
    good: '32',
    redirect: '33',
    bad: '31',
    dim: '2',
    strong: '1',
  },
  bright: {
    name: '96',
    text: '92',
    number: '93',
    word: '95',
    mark: '90',
    good: '92;1',
    redirect: '93;1',
    bad: '91;1',
    dim: '90',
    strong: '1',
  },
  mono: {
    name: '1',
    text: '0',
    number: '0',
    word: '3',
    mark: '2',
    good: '1',
    redirect: '1',
    bad: '1;7',
    dim: '2',
    strong: '1',
  },
};

/** For one of the two outputs: a style's painter, or the plain one. */
export function painterFor(args: Arguments, isTerminal: boolean): Painter {
  if (!wantsColor(args.value('color'), process.env, isTerminal)) return plain;
  const style = STYLES[args.value('style') ?? 'auto'];
  return (role, text) => (text === '' ? '' : `\x1b[${style[role]}m${text}\x1b[0m`);
}

/** `--color`, then NO_COLOR (no-color.org), FORCE_COLOR (force-color.org), TERM=dumb, and whether it is a terminal. */
export function wantsColor(
  option: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
  isTerminal: boolean,
): boolean {
  if (option === 'always') return true;
  if (option === 'never') return false;
  const { NO_COLOR, FORCE_COLOR, TERM } = environment;
  if (NO_COLOR !== undefined && NO_COLOR !== '') return false;
  // As Node reads it, 0 and false are "no".
  if (FORCE_COLOR !== undefined && FORCE_COLOR !== '') return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false';
  return TERM === 'dumb' ? false : isTerminal;
}

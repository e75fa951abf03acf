/** `--help`: one screen, from the table of options. */

import { version } from '../version.js';
import { OPTION_GROUPS, type Option } from './option-table.js';

/** Columns of the options' names. */
const NAMES_WIDTH = 32;

export function helpText(): string {
  return [
    'Usage: whippet [METHOD] URL [ITEM …] [options]',
    'URL: https:// unless given; http:// for localhost and :8080/path',
    'ITEM: name=value JSON (form) field, name:=json raw JSON, name==value query,',
    '      Name:value header (Name: without, Name; empty), name@path file,',
    '      name=@path and name:=@path value from a file',
    ...OPTION_GROUPS.flatMap(({ title, options }) => [
      `${title}:`,
      ...options
        .filter(({ help }) => help !== '')
        .map((option) => `  ${spelt(option).padEnd(NAMES_WIDTH - 2)} ${option.help}`),
    ]),
    'Exit code: 0; 4 and 5 for 4xx and 5xx; 1 no response; 2 usage; 130 interrupted',
    '',
  ].join('\n');
}

export function versionText(): string {
  return `whippet ${version}\n`;
}

/** `-X, --method NAME` */
export function spelt({ name, short, value }: Option): string {
  return `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
}

/** What makes a binary's bytes the same wherever its sources lie, and whenever they are compiled. */
import { execFileSync } from 'node:child_process';
import { homedir } from 'node:os';
import path from 'node:path';
import { root } from './program.js';

/** Options of the compilers by which what they write about sources does not depend on `folder`, where these lie. */
export function remapped(folder) {
  const home = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo');
  const maps = [
    [path.join(home, 'registry/src'), '/cargo'],
    [folder, '/whippet'],
  ];
  return {
    rustc: maps.map(([from, to]) => `--remap-path-prefix=${from}=${to}`),
    cc: maps.map(([from, to]) => `-ffile-prefix-map=${from}=${to}`),
  };
}

/**
 * The variable by which gcc and clang write the time of the commit where C asks for `__DATE__` and `__TIME__`: mimalloc tells when it was
 * built.
 */
export function dateOf(commit) {
  const seconds = execFileSync('git', ['show', '--no-patch', '--format=%ct', commit], { cwd: root, encoding: 'utf8' });
  return { SOURCE_DATE_EPOCH: seconds.trim() };
}

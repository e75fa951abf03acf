/** Options of the compilers by which what they write about sources does not depend on where these lie. */
import { homedir } from 'node:os';
import path from 'node:path';

export function remapped(root) {
  const home = process.env.CARGO_HOME ?? path.join(homedir(), '.cargo');
  const maps = [
    [path.join(home, 'registry/src'), '/cargo'],
    [root, '/whippet'],
  ];
  return {
    rustc: maps.map(([from, to]) => `--remap-path-prefix=${from}=${to}`),
    cc: maps.map(([from, to]) => `-ffile-prefix-map=${from}=${to}`),
  };
}

/** `node scripts/run-typescript.js file.ts …`: runs a program of the tests as AVA would, with the rest as its arguments. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { root } from './support/program.js';

const { status } = spawnSync(
  process.execPath,
  ['--expose-gc', '--import', '@oxc-node/core/register', ...process.argv.slice(2)],
  {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, OXC_TSCONFIG_PATH: path.join(root, '__test__/tsconfig.json') },
  },
);
process.exitCode = status ?? 1;

/**
 * `npm run test:panics`: builds the addon with the feature `panic-points`, and lets it panic at each of them: the call rejects, the
 * next one works, the process lives.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { setup } from './setup.js';
import { asProgram, root, say, SetupError } from './support/program.js';
import { ava } from './support/ava.js';
import { runAll } from './support/runners.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const FOLDER = path.join(root, 'target/panics');

await asProgram(async () => {
  process.exitCode = 1; // Until all is known to be well.
  await setup();
  say('native build with the feature panic-points');
  const args = ['build', '--package', 'whippet-node', '--features', 'panic-points'];
  const env = { ...process.env, ...cargoEnvironment() };
  const { status } = spawnSync(findCargo() ?? cargoMissing(), args, { cwd: root, env, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new SetupError('the build failed: its reason is above');
  mkdirSync(FOLDER, { recursive: true });
  const addon = path.join(FOLDER, 'whippet.node');
  copyFileSync(path.join(root, 'target/debug/libwhippet_node.so'), addon);
  // The same preload as for AddressSanitizer: another addon in the place of the package's own.
  const preload = path.join(import.meta.dirname, 'support/asan-preload.cjs');
  const environment = { WHIPPET_ASAN_ADDON: addon, NODE_OPTIONS: `--require ${preload}` };
  await runAll([ava({ patterns: ['__test__/process/panics.spec.ts'], environment })]);
});

/** `npm start`: sets up what is missing, then takes the tour. `npm start -- https://host/path …` is the command, `whippet https://host/path …`. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setup } from './setup.js';
import { asProgram, root } from './support/program.js';

await asProgram(async () => {
  await setup();
  const words = process.argv.slice(2);
  if (words.length > 0) {
    process.exitCode = await command(words);
    return;
  }
  const { tour } = await import('../examples/tour.js');
  process.exitCode = await tour();
});

/** Ctrl+C reaches both programs; the command decides what it means. */
async function command(words) {
  process.on('SIGINT', () => {});
  const child = spawn(process.execPath, [path.join(root, 'dist', 'cli', 'whippet.cjs'), ...words], {
    stdio: 'inherit',
  });
  const [code] = await once(child, 'exit');
  return code ?? 1;
}

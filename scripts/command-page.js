/** `npm run docs:cli`: writes docs/cli.md. */
import { build } from 'esbuild';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { commandPage } from './support/command-page.js';
import { root } from './support/program.js';

const { outputFiles } = await build({
  absWorkingDir: root,
  stdin: {
    contents: "export * from './src/cli/option-table.js'; export * from './src/cli/help.js';",
    resolveDir: root,
  },
  bundle: true,
  platform: 'node',
  format: 'esm',
  write: false,
});
const { OPTION_GROUPS, helpText } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
);
writeFileSync(path.join(root, 'docs', 'cli.md'), await commandPage(OPTION_GROUPS, helpText()));

/**
 * `npm run docs:reference`: writes docs/reference/ from the doc comments in dist/*.d.ts (build them first) and from
 * scripts/reference/facts.js. __test__/docs/reference.spec.ts says when it is out of date.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as whippet from '../index.js';
import { readModel } from './reference/model.js';
import { pagesOf } from './reference/pages.js';
import { root } from './support/program.js';

const folder = path.join(root, 'docs/reference');
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const [name, text] of pagesOf(readModel(), whippet)) writeFileSync(path.join(folder, name), text);

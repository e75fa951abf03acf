// What a deployment by tracing takes along (Next.js standalone, Vercel, serverless-nft): copied elsewhere, it has to run.
import { nodeFileTrace } from '@vercel/nft';
import { cpSync, mkdirSync } from 'node:fs';
import path from 'node:path';

const [root, target] = process.argv.slice(2);
const { fileList } = await nodeFileTrace([path.join(root, 'app.mjs')], { base: root });
for (const file of fileList) {
  mkdirSync(path.dirname(path.join(target, file)), { recursive: true });
  cpSync(path.join(root, file), path.join(target, file), { dereference: true });
}
if (![...fileList].some((file) => file.endsWith('.node'))) throw new Error('the addon is not among what was traced');

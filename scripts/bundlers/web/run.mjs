// The builds without the addon, bundled by esbuild, in what they are for: `run.mjs workerd` or `run.mjs browser PROGRAM`.
import { build } from 'esbuild';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { browse, NEVER, start } from '../programs.mjs';
import { serve } from './server.mjs';

const [platform, program] = process.argv.slice(2);
const server = await serve();
server.program = await bundle(server.origin);
const folder = mkdtempSync(path.join(tmpdir(), 'whippet-web-'));
const runtime = platform === 'workerd' ? workerd(server.program) : browse(program, folder, server.origin);
try {
  const { passed, failed } = await Promise.race([server.reported, runtime.says(NEVER)]);
  for (const line of failed) console.error(`✘ ${line}`);
  console.log(`${passed} passed, ${failed.length} failed`);
  if (failed.length === 0 && passed > 0) console.log('works');
} finally {
  await runtime.stop();
  server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** The checks as a page's script, or as the test of a Worker. */
async function bundle(origin) {
  const call = `checks(${JSON.stringify(origin)}, ${JSON.stringify(platform)})
    .catch((error) => ({ passed: 0, failed: [String(error?.stack ?? error)] }))
    .then((result) => fetch(${JSON.stringify(`${origin}/report`)}, { method: 'POST', body: JSON.stringify(result) }))`;
  const main = platform === 'workerd' ? `export default { async test() { await ${call}; } };` : `${call};`;
  const { outputFiles } = await build({
    stdin: {
      contents: `import { checks } from './checks.js'; ${main}`,
      resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    },
    bundle: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'browser',
    conditions: platform === 'workerd' ? ['workerd'] : [],
  });
  return outputFiles[0].text;
}

/** Cloudflare's runtime, which runs a Worker's `test()`. */
function workerd(text) {
  writeFileSync(path.join(folder, 'worker.js'), text);
  const config = path.join(folder, 'config.capnp');
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
);
const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2024-09-23",
);
`,
  );
  return start('node_modules/.bin/workerd', ['test', config]);
}

// Next's standalone output, moved to a folder of its own: a route, a page, and what the page does in a browser. `run.mjs CHROMIUM`.
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { browse, NEVER, start } from '../programs.mjs';

const folder = mkdtempSync(path.join(tmpdir(), 'whippet-next-'));
cpSync('.next/standalone', folder, { recursive: true });
cpSync('.next/static', path.join(folder, '.next/static'), { recursive: true });

const port = await freePort();
const server = start(process.execPath, ['server.js'], { cwd: folder, env: { PORT: port, HOSTNAME: '127.0.0.1' } });
let browser;
try {
  await server.says(/Ready/);
  const origin = `http://127.0.0.1:${port}`;
  const text = async (target) => (await fetch(origin + target)).text();
  const route = await text('/api');
  if (route !== 'the route works') throw new Error(`the route said: ${route}`);
  const page = await text('/');
  if (!page.includes('the page works')) throw new Error(`the page said: ${page}`);
  browser = browse(process.argv[2], path.join(folder, 'profile'), origin);
  await Promise.race([server.says(/asked by a browser/), browser.says(NEVER)]);
  console.log('works');
} finally {
  await browser?.stop();
  await server.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

/** Next takes 0 for 3000. */
async function freePort() {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address();
  listener.close();
  await once(listener, 'close');
  return String(port);
}

// Programs that are started, listened to, and ended.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Starts a program.
 *
 * @returns `says(pattern)`: fulfilled once it has said that, rejected with its last words if it ends before; `stop()`.
 */
export function start(command, args, { cwd, env } = {}) {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let said = '';
  let look = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      said += text;
      look();
    });
  }
  const says = (pattern) =>
    new Promise((resolve, reject) => {
      look = () => pattern.test(said) && resolve();
      look();
      ended.then(() => reject(new Error(`${command} ended: ${said.slice(-2000)}`)), reject);
    });
  const stop = async () => {
    child.kill('SIGKILL');
    await ended;
  };
  return { says, stop };
}

/** A Chromium or Firefox without a window, which opens that page. `profile` is an empty folder. */
export function browse(program, profile, url) {
  const flags = program.includes('firefox')
    ? ['--headless', '--no-remote', '--profile', profile]
    : ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`];
  return start(program, [...flags, url]);
}

/** What `says` of a program that should only ever be ended by us. */
export const NEVER = /(?!)/;

/** Runs the smoke (`checks.js`) under one runtime, and counts its checks. */
import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { root } from '../support/program.js';

/**
 * @param runtime - `title`, and `unsupported`: by the name of a check, why it is known to fail there.
 * @param how - `command`: the runtime's program with the arguments before that of the smoke; `deniedCommand`: the same without the
 *   network; `env`: more variables; `drive`: what stands before a path of this machine, for a Windows; `output`: a file, for a runtime that
 *   cannot write into a pipe.
 * @param told - What the servers of `server.js` tell.
 * @returns `{ passed, failed, unsupported }`
 */
export async function runSmoke({ title, unsupported = {} }, how, told) {
  const { command, deniedCommand, env, drive = '', output } = how;
  const result = { passed: 0, failed: 0, unsupported: [] };
  const read = (line) => {
    if (!line.startsWith('{"name":')) return void process.stdout.write(`${line}\n`);
    const { name, problem } = JSON.parse(line);
    const isKnown = Object.hasOwn(unsupported, name);
    if (problem === null && !isKnown) {
      result.passed++;
    } else if (problem !== null && isKnown) {
      result.unsupported.push(`${name}: ${unsupported[name]}`);
    } else {
      result.failed++;
      const what = problem === null ? 'it is said not to work here, and does' : problem;
      process.stdout.write(`✘ ${title}, smoke: ${name}: ${what}\n`);
    }
  };
  const program = (name) => drive + path.join(root, 'scripts/runtimes', name);
  const index = pathToFileURL(path.join(root, 'index.js')).href.replace('file://', drive === '' ? '$&' : `$&/${drive}`);
  const paths = ['folder', 'certificate', 'socketPath'].map((name) => [name, drive + told[name]]);
  const args = [index, JSON.stringify({ ...told, ...Object.fromEntries(paths) })];
  const code = await lines([...command, program('checks.js'), ...args], read, { env, output });
  if (deniedCommand !== undefined) await lines([...deniedCommand, program('denied.js'), ...args], read, { env });
  // A runtime that dies, if only after the last check, has not passed; one that has checks known to fail ends with 1.
  if (code !== (result.failed + result.unsupported.length === 0 ? 0 : 1) && result.failed === 0) {
    result.failed = 1;
    process.stdout.write(`${title}: the smoke ended with ${code}\n`);
  }
  process.stdout.write(`${title}: ${result.passed} checks passed, ${result.failed} failed\n`);
  return result;
}

/** Runs a program; each line that it prints, if only into a file, is handed on. Resolves to its exit code, or its signal. */
async function lines([command, ...args], onLine, { env = {}, output } = {}) {
  const file = output === undefined ? null : openSync(output, 'w');
  const child = spawn(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', file ?? 'pipe', file === null ? 'inherit' : 'ignore'],
  });
  if (file === null) createInterface({ input: child.stdout, crlfDelay: Infinity }).on('line', onLine);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(signal ?? status));
  });
  if (file !== null) {
    closeSync(file);
    for (const line of readFileSync(output, 'utf8').split(/\r?\n/)) if (line !== '') onLine(line);
  }
  return code;
}

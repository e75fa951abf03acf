/**
 * `npm run deny`: cargo-deny, where it is installed, with deny.toml; otherwise its licenses, sources and duplicates by what
 * `cargo metadata` says. `npm audit` is for npm's side.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isProgram, root } from './support/program.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

/** What deny.toml does not allow, one sentence each. */
export function denied() {
  const toml = readFileSync(path.join(root, 'deny.toml'), 'utf8').replaceAll(/^\s*#.*$/gm, '');
  const list = (name) => {
    const found = new RegExp(`^${name} = \\[([^\\]]*)\\]`, 'm').exec(toml)?.[1] ?? '';
    return [...found.matchAll(/"([^"]*)"/g)].map(([, text]) => text);
  };
  const allowed = list('allow');
  const isSkipped = (name) => list('skip').includes(name) || name.startsWith('windows');
  const { packages } = JSON.parse(cargo('metadata', '--format-version', '1', '--locked', '--offline'));
  // What is built, without the features that nothing asks for.
  const built = new Set(
    cargo(
      'tree',
      '--workspace',
      '--offline',
      '--locked',
      '--target',
      'all',
      '--edges',
      'all',
      '--prefix',
      'none',
      '--format',
      '{p}',
    )
      .split('\n')
      .map((line) => line.split(' ').slice(0, 2).join(' ')),
  );
  const problems = [];
  const versions = new Map();
  for (const { name, version, license, source } of packages) {
    if (!built.has(`${name} v${version}`)) continue;
    if (source !== null && source !== REGISTRY) problems.push(`${name} ${version} comes from ${source}`);
    if (!isAllowed(license ?? '', allowed)) problems.push(`${name} ${version} is licensed as ${license}`);
    versions.set(name, [...(versions.get(name) ?? []), version]);
  }
  for (const [name, all] of versions) {
    if (all.length > 1 && !isSkipped(name)) problems.push(`${name} is there as ${all.join(' and ')}`);
  }
  return { problems, count: versions.size };
}

const REGISTRY = 'registry+https://github.com/rust-lang/crates.io-index';

/** SPDX: all of what is joined by AND, one of what is joined by OR; an old `/` is an OR. */
function isAllowed(expression, allowed) {
  const tokens = expression.replaceAll('/', ' OR ').match(/\(|\)|[^\s()]+(?: WITH [^\s()]+)?/g) ?? [];
  let at = 0;
  const term = () => {
    if (tokens[at] !== '(') return allowed.includes(tokens[at++]);
    at += 1;
    const inner = either();
    at += 1;
    return inner;
  };
  const both = () => {
    let holds = term();
    while (tokens[at] === 'AND') {
      at += 1;
      holds = term() && holds;
    }
    return holds;
  };
  const either = () => {
    let holds = both();
    while (tokens[at] === 'OR') {
      at += 1;
      holds = both() || holds;
    }
    return holds;
  };
  return either() && at === tokens.length;
}

function cargo(...args) {
  const command = findCargo() ?? cargoMissing();
  const options = { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, env: { ...process.env, ...cargoEnvironment() } };
  const { status, stdout, stderr } = spawnSync(command, args, options);
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

if (isProgram(import.meta)) {
  const whole = spawnSync('cargo-deny', ['check'], { cwd: root, stdio: 'inherit' });
  if (whole.error === undefined) {
    process.exitCode = whole.status ?? 1;
  } else {
    const { problems, count } = denied();
    for (const problem of problems) console.log(problem);
    console.log(
      `${count} crates: ${problems.length} problems. Advisories need cargo-deny: cargo install --locked cargo-deny@0.20.2`,
    );
    process.exitCode = problems.length === 0 ? 0 : 1;
  }
}

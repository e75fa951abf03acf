/** Where and with what it was measured. */
import { spawnSync } from 'node:child_process';
import { cpus, release, totalmem, type } from 'node:os';
import { CONTENDERS, versionOf } from './contenders.js';

export function aboutThisMachine({ name }) {
  const versions = CONTENDERS.map((contender) => versionOf(contender)).filter((version) => version !== undefined);
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memory: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    origin: name === 'nginx' ? nginxVersion() : name,
    versions: [...new Set(versions)],
  };
}

function nginxVersion() {
  return spawnSync('nginx', ['-v'], { encoding: 'utf8' }).stderr.trim().replace(/^.*: /, '').replace('/', ' ');
}

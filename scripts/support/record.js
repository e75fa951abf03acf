/**
 * What a build was made from: a record of its inputs (path → content hash), kept in the git-ignored folder `.setup/`.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';

/** Where the records are. */
export const folder = path.join(root, '.setup');

/** Why a build has to run: its output is missing, there is no record, or an input changed. Null when it has not to. */
export function whyStale(name, inputs, missingOutput) {
  if (missingOutput !== null) return `${missingOutput} is missing`;
  const record = readJson(file(name));
  if (record === null) return 'no earlier build is on record';
  for (const input of Object.keys(inputs)) if (record[input] !== inputs[input]) return `${input} changed`;
  for (const input of Object.keys(record)) if (!(input in inputs)) return `${input} is gone`;
  return null;
}

/** Keeps what the finished build `name` was made from. */
export function write(name, inputs) {
  mkdirSync(folder, { recursive: true });
  writeFileSync(file(name), `${JSON.stringify(inputs, null, 2)}\n`);
}

/** Before a build: until it has ended well, there is none. */
export function forget(name) {
  rmSync(file(name), { force: true });
}

/** Hashes files and everything in folders, by path with forward slashes. What does not exist is left out. */
export function hashFiles(names, wanted = () => true) {
  const hashes = {};
  for (const name of names.flatMap(filesBelow)) {
    if (wanted(name)) hashes[name] = hash(readFileSync(path.join(root, name)));
  }
  return hashes;
}

/** The hash of one content, as in a record. */
export function hash(content) {
  return createHash('sha1').update(content).digest('hex');
}

/** The first of these paths that does not exist, or null. */
export function firstMissing(names) {
  return names.find((name) => !existsSync(path.join(root, name))) ?? null;
}

/** A JSON file, by absolute path or from the root; null when it is absent or broken. */
export function readJson(name) {
  try {
    return JSON.parse(readFileSync(path.resolve(root, name), 'utf8'));
  } catch {
    return null;
  }
}

function filesBelow(name) {
  try {
    return readdirSync(path.join(root, name), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [name];
    if (error.code === 'ENOENT') return [];
    throw error;
  }
}

function file(name) {
  return path.join(folder, `${name}.json`);
}

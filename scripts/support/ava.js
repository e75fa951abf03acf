/**
 * AVA as a runner: its TAP is shown in the manner of its own reporter. A run prints thousands of lines, so what failed is told once more
 * at the end, with its reason.
 *
 * What failed beside other tests is then run once more by itself: a machine that is short of a core for a moment does not fail the
 * whole run. What passes then is named as unsteady, for that is a fault, too, of the test or of ours.
 */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';

/** More failures than these are no accident of the machine. */
const MOST_AGAIN = 5;
const FOLDERS = ['__test__', 'interop'];
const EXTENSION = '.spec.ts';
const SEPARATOR = ' › ';

/** AVA with these patterns of files; `options` are what it is told besides, with a configuration of its own, and `node` what runs it. */
export function ava({ patterns = [], options = [], environment = {}, node = process.execPath } = {}) {
  const failures = [];
  const passed = new Set();
  return {
    name: 'ava',
    command: () => [node, path.join(root, 'node_modules/ava/entrypoints/cli.mjs'), '--tap', ...options, ...patterns],
    environment: () => environment,
    failures,
    passed,
    read(line, count) {
      const test = /^(not )?ok \d+ - (.*?)( # (?:SKIP|TODO).*)?$/.exec(line);
      if (test === null) {
        if (/^(TAP version|1\.\.\d|# (tests|pass|fail|skip|todo) )/.test(line)) return null;
        // What says why a test failed stands behind its title, two spaces to the right.
        if (line.startsWith('  ')) failures.at(-1)?.reason.push(line);
        return line;
      }
      const [, failed, title, omitted] = test;
      if (omitted !== undefined) {
        count(0, 0, 1);
        return `- ${title}${omitted}`;
      }
      if (failed === undefined) {
        count(1, 0);
        passed.add(title);
        return `✔ ${title}`;
      }
      count(0, 1);
      failures.push({ title, reason: [] });
      return `✘ ${title}`;
    },
    /** What failed, by files: a runner of the file, and the titles with those that they have there. Nothing where it is not worth it. */
    alone() {
      if (failures.length > MOST_AGAIN) return [];
      return Array.from(byFile(failures), ([file, titles]) => ({
        titles,
        runner: ava({ patterns: [file], options: [...options, '--serial'], environment, node }),
      }));
    },
  };
}

/** AVA's title is the path of the file, from the folder that all files share, and the test's own: `url › hosts › port 0 is refused`. */
function byFile(failures) {
  const files = new Map();
  const all = specs();
  for (const { title } of failures) {
    let found = null;
    for (const file of all) {
      const parts = file.slice(0, -EXTENSION.length).split('/');
      const prefixes = parts.map((_, at) => `${parts.slice(at).join(SEPARATOR)}${SEPARATOR}`);
      const prefix = prefixes.find((name) => title.startsWith(name)) ?? '';
      if (prefix.length > (found?.prefix.length ?? 0)) found = { file, prefix };
    }
    // Of a file that ended in a crash, the title is of another kind.
    if (found === null) continue;
    if (!files.has(found.file)) files.set(found.file, new Map());
    files.get(found.file).set(title, title.slice(found.prefix.length));
  }
  return files;
}

function specs() {
  return FOLDERS.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true })
      .filter((name) => name.endsWith(EXTENSION))
      .map((name) => `${folder}/${name.replaceAll(path.sep, '/')}`),
  );
}

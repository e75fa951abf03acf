/** Every fenced block of README.md and docs/ is what CONTRIBUTING ("Code blocks of README and docs/") says. */
import test, { type ExecutionContext } from 'ava';
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { folderOf } from '../helpers/files.js';
import { testCA } from '../helpers/tls.js';
import { blocksIn, codeOf, pages, root, textOf } from './markdown.js';
import { bigFile, serveOrigin } from './origin.js';
import { kindOf, programsOf, type PageProgram } from './page-program.js';

const here = path.join(root, '__test__/docs');
const givenNames = new Set(
  [...readFileSync(path.join(here, 'given.js'), 'utf8').matchAll(/^export const (?:\{ )?(\w+)/gm)].map(
    ([, name]) => name,
  ),
);
/** Pages that say of each block that it is a program: nothing is in its scope but what it declares. */
const ALONE = new Set(['README.md', 'docs/index.md', 'docs/quickstart.md']);
const only = process.env.DOCS_PAGE;
const checked = pages().filter((page) => only === undefined || page === only);

// One after the other: the machine that runs the tests has other work.
for (const page of checked.filter((page) => blocksIn(page).length > 0)) {
  test.serial(`the code of ${page} runs, and shows what it says`, async (t) => {
    t.timeout(60_000);
    const programs = ALONE.has(page)
      ? blocksAlone(page).flatMap((text) => programsOf(text, new Set()))
      : programsOf(codeOf(page), givenNames);
    let ran = 0;
    for (const { code } of programs) if (code !== null) ran += await runs(t, page, code);
    t.pass(`${ran} programs`);
  });
}

test.serial('what is marked as types has no wrong type', async (t) => {
  t.timeout(120_000);
  const folder = path.join(root, '.setup/docs');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const sources = new Map<string, { page: string; text: string }>();
  for (const page of checked)
    programsFor(page).forEach(({ typescript }, index) => {
      const name = `${page.replace(/\W+/g, '-')}-${index}.ts`;
      const text = typescript.replace('$GIVEN', '../../__test__/docs/given.js');
      writeFileSync(path.join(folder, name), text);
      sources.set(name, { page, text });
    });
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(checkedAs));
  const tsc = path.join(root, 'node_modules/typescript/lib/tsc.js');
  const args = [tsc, '-p', folder, '--pretty', 'false'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder }).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? String(error) }),
  );
  const wrong = stdout
    .split(/\n(?=\S)/)
    .filter(Boolean)
    .flatMap((message) => {
      const [, name = '', line = '', rest = message] = /^(\S+?\.ts)\((\d+),\d+\): (.*)$/s.exec(message) ?? [];
      const { at, isTyped } = placed(sources.get(name), Number(line));
      return isTyped ? [`${at}: ${rest}`] : [];
    });
  t.deepEqual(wrong, []);
});

test('npm run in a block of sh is a script that there is', (t) => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> };
  const named = checked.flatMap((page) =>
    blocksIn(page)
      .filter((block) => kindOf(block) === 'shell')
      .flatMap((block) => [...block.text.matchAll(/\bnpm (?:run )?([\w:]+)/g)].map(([, name]) => ({ page, name }))),
  );
  const npm = ['install', 'i', 'ci', 'start', 'test', 'init', 'add', 'pack'];
  t.deepEqual(
    named.filter(({ name }) => !(name in scripts) && !npm.includes(name)),
    [],
  );
});

/** What a reader's program has to be, no stricter: their compiler's options are theirs. */
const checkedAs = {
  compilerOptions: {
    target: 'ESNext',
    lib: ['ESNext', 'ESNext.Disposable', 'DOM', 'DOM.Iterable', 'DOM.AsyncIterable'],
    module: 'NodeNext',
    types: ['node'],
    typeRoots: ['../../node_modules/@types'],
    allowJs: true,
    noEmit: true,
    strict: false,
    skipLibCheck: true,
  },
  include: ['*.ts', '../../__test__/docs/foreign.d.ts'],
};

/** The programs of a page, or none: what is wrong with its fences is the other test's failure. */
function programsFor(page: string): PageProgram[] {
  try {
    return programsOf(codeOf(page), givenNames);
  } catch {
    return [];
  }
}

/** The page once for each block that runs: all other lines are empty but those of the output below it. */
function blocksAlone(page: string): string[] {
  const lines = codeOf(page).split('\n');
  const blocks = blocksIn(page);
  return blocks.flatMap((block, index) => {
    if (kindOf(block) !== 'run') return [];
    const next = blocks[index + 1];
    const kept = next !== undefined && kindOf(next) === 'output' ? [block, next] : [block];
    const isKept = (line: number): boolean =>
      kept.some((one) => line >= one.line && line <= one.line + one.text.split('\n').length + 1);
    return [lines.map((text, at) => (isKept(at + 1) ? text : '')).join('\n')];
  });
}

/** Where on its page a line of a checked program is, and whether its types are the page's claim: a block that runs is JavaScript. */
function placed(source: { page: string; text: string } | undefined, line: number): { at: string; isTyped: boolean } {
  if (source === undefined) return { at: 'tsc', isTyped: true };
  const before = source.text.split('\n').slice(0, line);
  const mark = before.findLastIndex((text) => text.startsWith('//@ '));
  if (mark === -1) return { at: `${source.page} (imports)`, isTyped: true };
  const [, fence, kind] = before[mark].split(' ');
  return { at: `${source.page}:${Number(fence) + line - mark - 1}`, isTyped: kind === 'types' };
}

/** Runs one program in a folder of its own, and fails with what it found. */
async function runs(t: ExecutionContext, page: string, program: string): Promise<number> {
  const { proxy, ca } = await serveOrigin(t);
  const folder = folderOf(t);
  await fill(folder, ca);
  const code = program
    .replace(/(['"])\$RUNTIME\1/, () => JSON.stringify(new URL('runtime.js', import.meta.url).href))
    .replace(/(['"])\$GIVEN\1/, () => JSON.stringify(new URL('given.js', import.meta.url).href));
  const trust = path.join(folder, 'ca.pem');
  const env = {
    PATH: process.env.PATH,
    HOME: folder,
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    NO_PROXY: '127.0.0.1,localhost',
    SSL_CERT_FILE: trust,
    NODE_EXTRA_CA_CERTS: trust,
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
    DOCS_FOLDER: folder,
    DOCS_SHA256: createHash('sha256').update(bigFile).digest('hex'),
  };
  const args = ['--input-type=module', '-e', code];
  try {
    await promisify(execFile)(process.execPath, args, { cwd: root, env, timeout: 50_000, killSignal: 'SIGKILL' });
  } catch (error) {
    const { killed, stderr } = error as { killed?: boolean; stderr: string };
    t.fail(killed === true ? `${page}: the program takes more than 50 s` : shown(page, stderr));
  }
  return 1;
}

function shown(page: string, stderr: string): string {
  return stderr.replace(/^\[\{.*\}\]$/m, (report) =>
    (JSON.parse(report) as { line: number; message: string }[])
      .map(({ line, message }) => `${page}:${line}: ${message}`)
      .join('\n'),
  );
}

/** The files that pages read. */
async function fill(folder: string, ca: string): Promise<void> {
  const { cert, key } = await (await testCA()).issue();
  const files: Record<string, string | Buffer> = {
    'ca.pem': ca,
    'company-ca.pem': ca,
    'me.pem': cert,
    'me.key': key,
    'me.jpg': 'a picture',
    'photo.jpg': 'a picture',
    'report.pdf': 'a report',
    'app.log': 'a line of the log\n'.repeat(100),
    'notes.txt': 'notes\n',
    copy: bigFile,
    'upload.bin': bigFile,
  };
  mkdirSync(path.join(folder, 'authorities'));
  writeFileSync(path.join(folder, 'authorities/ca.pem'), ca);
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
}

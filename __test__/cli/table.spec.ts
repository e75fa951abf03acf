/** What the table of options gives: help, docs/cli.md, completion in the shells; and the password, which is asked for on the terminal. */
import test from 'ava';
import { execFile, spawnSync, type ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { commandPage } from '../../scripts/support/command-page.js';
import { RECIPES } from '../../scripts/support/command-recipes.js';
import { readArguments } from '../../src/cli/arguments.js';
import { completionScript } from '../../src/cli/completion.js';
import { helpText } from '../../src/cli/help.js';
import { readItem } from '../../src/cli/items.js';
import { OPTION_GROUPS, OPTIONS } from '../../src/cli/option-table.js';
import { toUrl } from '../../src/cli/target-url.js';
import { readWords } from '../../src/cli/words.js';
import { version } from '../../src/index.js';
import { hasTerminal, program, runCommand, startOnTerminal } from '../helpers/command.js';
import { folderOf } from '../helpers/files.js';
import { serve } from '../helpers/server.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));

test('--help: one screen, every option in it, in groups; --version', async (t) => {
  const { code, stdout, stderr } = await runCommand(t, ['--help']);
  t.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  t.is(stdout, helpText());
  const lines = stdout.trimEnd().split('\n');
  t.true(lines.length <= 66, `${lines.length} lines`);
  t.deepEqual(
    lines.filter((line) => line.length > 80),
    [],
  );
  for (const { name } of OPTIONS) t.true(stdout.includes(`--${name}`), name);
  t.is((await runCommand(t, ['example.org', '-h'])).stdout, stdout);
  t.is((await runCommand(t, ['--version'])).stdout, `whippet ${version}\n`);
});

test('no option is there twice, and each says something', (t) => {
  const names = OPTIONS.flatMap(({ name, short }) => [`--${name}`, ...(short === undefined ? [] : [`-${short}`])]);
  t.is(new Set(names).size, names.length);
});

test('docs/cli.md is what the table says: npm run docs:cli', async (t) => {
  const page = readFileSync(path.join(root, 'docs', 'cli.md'), 'utf8');
  t.is(page, await commandPage(OPTION_GROUPS, helpText()));
});

test('every recipe is a command line that is understood', (t) => {
  for (const { command } of RECIPES) {
    const own = /whippet (.*?)(?: [|&]|$)/.exec(command)?.[1] as string;
    const words = [...own.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
      word.replaceAll(/['"]/g, (quote, at: number) => (/\['?"|\[/.test(word) && quote === '"' && at > 0 ? quote : '')),
    );
    t.notThrows(() => {
      const args = readArguments(words);
      const { url, items } = readWords(args.words, args.value('method'));
      toUrl(url);
      items.map(readItem);
    }, command);
  }
});

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`--completion ${shell}: a script with every option`, async (t) => {
    const { code, stdout } = await runCommand(t, ['--completion', shell]);
    t.is(code, 0);
    t.is(stdout, completionScript(shell));
    for (const { name, short } of OPTIONS) {
      t.true(stdout.includes(shell === 'fish' ? `-l ${name} ` : `--${name}`), name);
      if (short !== undefined && shell === 'fish') t.true(stdout.includes(`-s ${short} `), short);
    }
  });
}

test('another shell is bad usage', async (t) => {
  t.is((await runCommand(t, ['--completion', 'csh'])).code, 2);
});

const has = (shell: string): boolean => spawnSync(shell, ['-c', 'true']).status === 0;

(has('bash') ? test : test.skip)('bash completes options, values, files and methods', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'script'), completionScript('bash'));
  writeFileSync(path.join(folder, 'answer.json'), '');
  const complete = async (...words: string[]) => {
    const quoted = ['whippet', ...words].map((word) => `'${word}'`).join(' ');
    const line = `source ./script; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _whippet; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return (await run('bash', ['--norc', '-c', line], { cwd: folder })).stdout.trim().split('\n');
  };
  t.deepEqual(await complete('--verb'), ['--verbose']);
  t.deepEqual(await complete('--auth-type', ''), ['basic', 'digest', 'bearer']);
  t.deepEqual(await complete('example.org', '--color', 'al'), ['always']);
  t.deepEqual(await complete('-o', 'ans'), ['answer.json']);
  t.deepEqual(await complete('PA'), ['PATCH']);
  t.deepEqual(await complete('--timeout', ''), ['']);
});

(has('zsh') ? test : test.skip)('zsh takes the script, and completes by it', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'script'), completionScript('zsh'));
  writeFileSync(
    path.join(folder, 'run.zsh'),
    `
zmodload zsh/zpty
zpty z 'PS1=PROMPT TERM=dumb zsh -f -i'
zpty -w z 'autoload -Uz compinit; compinit -u -D; source ./script; zstyle ":completion:*" list-prompt ""; print READY$((0+1))'
zpty -r -m z line '*READY1*'
zpty -w -n z $'whippet --verb\\t; print DONE$((1+1))\\n'
zpty -r -m z line '*DONE2*'; print -r -- "$line"
zpty -w -n z $'whippet --auth-type dig\\t; print DONE$((1+2))\\n'
zpty -r -m z line '*DONE3*'; print -r -- "$line"
zpty -d z
`,
  );
  const { stdout, stderr } = await run('zsh', ['-f', 'run.zsh'], { cwd: folder, timeout: 60_000 });
  t.regex(stdout, /whippet --verbose/, stderr);
  t.regex(stdout, /--auth-type digest/);
});

(has('fish') ? test : test.skip)('fish completes options and values', async (t) => {
  const folder = folderOf(t);
  writeFileSync(path.join(folder, 'script'), completionScript('fish'));
  writeFileSync(path.join(folder, 'answer.json'), '');
  const complete = async (line: string) => {
    const { stdout } = await run('fish', ['--no-config', '-c', `source ./script; complete -C '${line}'`], {
      cwd: folder,
      env: { ...process.env, HOME: folder },
    });
    return stdout
      .trim()
      .split('\n')
      .map((row) => row.split('\t')[0]);
  };
  t.deepEqual(await complete('whippet --verb'), ['--verbose']);
  t.deepEqual((await complete('whippet --auth-type ')).sort(), ['basic', 'bearer', 'digest']);
  t.deepEqual(await complete('whippet -o ans'), ['answer.json']);
  t.true((await complete('whippet PA')).includes('PATCH'));
});

(hasTerminal ? test : test.skip)('a missing password is asked for on the terminal, without an echo', async (t) => {
  const server = await serve(t, (request, response) => void response.end(request.headers.authorization));
  const { process: child, ended } = startOnTerminal(t, [server.url, '-u', 'me', '--print=b']);
  await shows(child, 'password of me at 127.0.0.1: ');
  child.stdin?.write('se\x7fecrt\x15s:ecret\r');
  const { code, stdout } = await ended;
  t.is(code, 0, stdout);
  t.is(stdout.replaceAll('\r\n', '\n'), `password of me at 127.0.0.1: \nBasic ${btoa('me:s:ecret')}\n`);
});

for (const redirections of ['2>notes', '</dev/null', '</dev/null 2>notes', '| cat']) {
  (hasTerminal ? test : test.skip)(`a password is asked for on the terminal with ${redirections}, too`, async (t) => {
    const server = await serve(t, (request, response) => void response.end(request.headers.authorization));
    const args = [server.url, '-u', 'me', '--print=b'];
    const { process: child, ended } = startOnTerminal(t, args, { redirections });
    await shows(child, 'password of me at 127.0.0.1: ');
    child.stdin?.write('secret\r');
    const { code, stdout } = await ended;
    t.is(code, 0, stdout);
    t.is(stdout.replaceAll('\r\n', '\n').trim(), `password of me at 127.0.0.1: \nBasic ${btoa('me:secret')}`);
  });
}

(hasTerminal ? test : test.skip)('Ctrl+C at the password is 130', async (t) => {
  const { process: child, ended } = startOnTerminal(t, ['http://127.0.0.1:2', '-u', 'me', '--auth-type', 'digest']);
  await shows(child, 'password of me');
  child.stdin?.write('\x03');
  t.is((await ended).code, 130);
});

test('without a terminal a missing password is bad usage', async (t) => {
  const setsid = spawnSync('setsid', ['--version']).status === 0;
  if (!setsid) return t.pass('there is no setsid here');
  const { status, stderr } = spawnSync('setsid', ['-w', process.execPath, program, 'http://127.0.0.1:2', '-u', 'me'], {
    input: '',
  });
  t.is(status, 2);
  return t.regex(
    String(stderr),
    /^error: --auth: the password of 'me' is missing, and there is no terminal to ask on\n/,
  );
});

/** Resolves when the text is on the terminal. */
function shows(child: ChildProcess, text: string): Promise<void> {
  return new Promise((resolve) => {
    let shown = '';
    child.stdout?.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
      if (shown.includes(text)) resolve();
    });
  });
}

/**
 * docs/cli.md, from the command's table of options and the recipes: `npm run docs:cli` writes it, and a test says when it is stale.
 */
import { format } from 'prettier';
import { RECIPES } from './command-recipes.js';

/**
 * @param {readonly { title: string, options: readonly object[] }[]} groups OPTION_GROUPS of src/cli/option-table.ts
 * @param {string} help What `--help` prints.
 */
export async function commandPage(groups, help) {
  const text = [
    '# The command',
    '',
    '<!-- Written by `npm run docs:cli`, from src/cli/option-table.ts and scripts/support/command-recipes.js. -->',
    '',
    '`whippet` sends one request and shows the response: with the items of HTTPie, the options of curl, and the behaviour of this client.',
    '',
    '```sh',
    'npx whippet https://example.org/',
    '```',
    '',
    '## What is a command made of?',
    '',
    '`whippet [METHOD] URL [ITEM …] [options]`',
    '',
    'Without a METHOD it is a GET, or a POST when there is a body. Lower case is sent in upper case.',
    '',
    'A URL without a scheme is `https:`; for this machine (`localhost`, names under it, loopback addresses) it is `http:`, and',
    '`:8080/path` is `http://localhost:8080/path`.',
    '',
    ...table(
      ['item', 'what it is'],
      [
        ['`name=value`', 'a field of the JSON body, as text; with `--form` of the form'],
        ['`name:=json`', 'a field of the JSON body as it is written: `n:=1.0`, `list:=[1,2]`'],
        ['`name==value`', 'a parameter of the query'],
        ['`Name:value`', 'a header; `Name:` removes one that would be sent, `Name;` sends it empty'],
        ['`name@path`', 'a file, so that the body is multipart/form-data; `name@path;type=text/csv` says what it is'],
        ['`name=@path`, `name:=@path`', 'a field whose value is in a file'],
        ['`@path`', 'a file that is the whole body'],
      ],
    ),
    '',
    'A backslash makes a separator a plain character: `a\\:b=1` is the field `a:b`. What is piped into the command is the body, unless there is',
    'another one or the method is GET or HEAD.',
    '',
    '## How is it done?',
    '',
    ...RECIPES.flatMap(({ task, command, note }) => [
      `${task}:`,
      '',
      '```sh',
      command,
      '```',
      '',
      ...(note === undefined ? [] : [note, '']),
    ]),
    '## What is printed where?',
    '',
    'On a terminal: the status line, the headers and the body, in colours, JSON laid out anew; its numbers, the order of its members and',
    'members that are there twice stay as they came. A binary body is one line that says so. What a server sends of control characters is',
    'shown (`\\x1b`) and does not reach the terminal.',
    '',
    'Into a pipe or a file: the bytes of the body, and nothing else. Everything that is not the response goes to stderr. A reader that goes',
    'away (`| head`) ends the command quietly.',
    '',
    'With `-o` the file has the body, and what `-i`, `-I` or `--print` ask for besides goes to stdout; `-o -` is stdout, with the bytes as they',
    'are on a terminal, too. A named pipe, `<(…)` and a device can be read (`-d @FILE`) and written (`-o FILE`).',
    '',
    'In `-v`, `--curl` and `--json-output` the values of Authorization, Cookie, Set-Cookie, X-API-Key and the like, and credentials in URLs (passwords, `access_token`, `code`,',
    'signatures), are `[secure]`, unless `--show-secrets` is given. `-i`, `-I` and `--print` show what was sent and received.',
    'On Linux the words of the command are not in the list of processes (`ps`) once they are read, where one of them may be a secret.',
    '',
    '## What does the exit code say?',
    '',
    ...table(
      ['code', 'meaning'],
      [
        ['0', 'the response is 1xx to 3xx'],
        ['4, 5', 'the response is 4xx, 5xx'],
        ['1', 'there is no response, or no whole one: `error: ConnectError ECONNREFUSED: …` on stderr'],
        ['2', 'bad usage; nothing was sent'],
        ['130', 'interrupted; the part of a download stays for `--resume`'],
        ['143', 'ended by SIGTERM; the part stays as well'],
      ],
    ),
    '',
    '## Which options are there?',
    '',
    'With the words of curl and HTTPie for the same thing.',
    '',
    ...groups.flatMap(({ title, options }) => [
      `### ${title.replace(/ \(.*/, '')}`,
      '',
      ...table(['option', 'what it does', 'curl', 'HTTPie'], options.map(row)),
      '',
    ]),
    '## What does `whippet --help` print?',
    '',
    '```text',
    help.trimEnd(),
    '```',
    '',
    '## How are words completed?',
    '',
    'bash: `eval "$(whippet --completion bash)"` in `~/.bashrc`. zsh: `eval "$(whippet --completion zsh)"` in `~/.zshrc`, after `compinit`.',
    'fish: `whippet --completion fish | source` in `~/.config/fish/config.fish`.',
    '',
  ].join('\n');
  return format(text, { parser: 'markdown', proseWrap: 'preserve', printWidth: 100 });
}

function row({ name, short, value, help, choices, curl, httpie }) {
  const spelt = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].map(
    (spelling, index, all) => `\`${spelling}${value !== undefined && index === all.length - 1 ? ` ${value}` : ''}\``,
  );
  const text = help === '' ? (OWN_TEXTS[name] ?? '') : help;
  const allowed =
    choices === undefined || choices.every((choice) => text.includes(choice)) ? '' : ` (${choices.join(', ')})`;
  return [spelt.join(', '), `${text}${allowed}`, other(curl), other(httpie)];
}

/** Those that stand in another's line of the help. */
const OWN_TEXTS = {
  'no-netrc': 'no credentials from a netrc file',
  'no-proxy': 'no proxy at all, not the environment’s either',
  'no-follow': 'redirects are not followed',
  key: 'the key of `--cert`, when it is in another file',
  concurrency: 'requests of `--bench` at a time; 1',
  version: 'the version',
};

function other(spelling) {
  if (spelling === undefined || spelling === '(none)') return '';
  return spelling === '(default)' ? 'the default' : `\`${spelling}\``;
}

function table(head, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}

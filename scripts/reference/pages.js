/** The Markdown pages of the reference, made of the model and the facts. Where they are written is reference.js's. */
import { channels, codes, doorCodes, reasons, variables } from './facts.js';
import { isOptions } from './model.js';

const note = '<!-- Generated from the doc comments by `npm run docs:reference`. Do not edit. -->';

/** File → title and what belongs there, in the order of the index. What fits nowhere else is a type. */
const groups = [
  {
    file: 'client',
    title: 'Client and functions',
    has: (one) => /^(?:Client|get|options|head|post|put|patch|delete|request|stream|fetch|version)$/.test(one.name),
  },
  {
    file: 'options',
    title: 'Options',
    has: (one) =>
      isOptions(one.name) && !/^(?:(?:Node|Fetch|Platform)Dispatch|HTTPProxy)Options$|^Dispatch/.test(one.name),
  },
  {
    file: 'messages',
    title: 'Requests, responses and what they hold',
    has: (one) =>
      /^(?:Request|Response|Headers|Cookies|URL|QueryParams|TimeoutConfig|ServerSentEvent|file|FileContent|Download|codes|Timings|Peer|TLSInfo|FailedTimings|PoolStats)$/.test(
        one.name,
      ),
  },
  { file: 'auth', title: 'Auth', has: (one) => one.name.endsWith('Auth') },
  {
    file: 'dispatch',
    title: 'Dispatches and proxies',
    has: (one) => /Dispatch|^HTTPProxy|^Body(?:Sink|Source)$|^MockHandler$|App/.test(one.name),
  },
];

/**
 * @param {Map<string, import('./model.js').Item[]>} model
 * @param {Record<string, unknown>} exported what `import * as whippet` gives: for the codes and the tree of the errors
 * @returns {Map<string, string>} file name → Markdown
 */
export function pagesOf(model, exported) {
  const items = model.get('whippet');
  const errors = items.filter((one) => isError(exported[one.name]));
  const rest = items.filter((one) => !errors.includes(one));
  const pages = new Map();
  const placed = new Map(errors.map((one) => [one, 'errors']));
  for (const group of groups) {
    const own = rest.filter((one) => !placed.has(one) && group.has(one));
    for (const one of own) placed.set(one, group.file);
    pages.set(
      `${group.file}.md`,
      page(
        group.title,
        own.map((one) => section(one, 2)),
      ),
    );
  }
  const types = rest.filter((one) => !placed.has(one));
  for (const one of types) placed.set(one, 'types');
  pages.set(
    'types.md',
    page(
      'Types',
      types.map((one) => section(one, 2)),
    ),
  );
  pages.set('errors.md', errorsPage(errors, exported));
  const others = [...model].filter(([door]) => door !== 'whippet');
  pages.set(
    'doors.md',
    page(
      'Doors',
      others.flatMap(([door, own]) => [`## ${door}`, ...own.map((one) => section(one, 3))]),
    ),
  );
  pages.set('environment.md', environmentPage());
  pages.set('diagnostics.md', diagnosticsPage());
  pages.set('defaults.md', defaultsPage(items));
  const anchorOf = ({ name }) => (isError(exported[name]) ? exported[name].prototype.name : name).toLowerCase();
  pages.set('index.md', indexPage(items, placed, anchorOf));
  const classes = items.filter((one) => one.kind === 'class' || one.kind === 'const').map((one) => one.name);
  return new Map([...pages].map(([name, text]) => [name, withImports(text, classes)]));
}

/** Examples of doc comments import nothing: on a page, the first that uses a class does. */
function withImports(text, classes) {
  const known = new Set();
  return text.replace(/^```js\n([^]*?)^```$/gm, (block, source) => {
    const used = classes.filter(
      (name) => /^[A-Z]/.test(name) && new RegExp(`\\b${name}\\b`).test(source) && !known.has(name),
    );
    for (const name of used) known.add(name);
    const isImported = used.length === 0 || source.includes("from 'whippet'");
    return isImported ? block : `\`\`\`js\nimport { ${used.join(', ')} } from 'whippet';\n\n${source}\`\`\``;
  });
}

function isError(value) {
  return typeof value === 'function' && (value === Error || value.prototype instanceof Error);
}

function page(title, sections) {
  return `${note}\n\n# ${title}\n\n${sections.join('\n\n')}\n`;
}

function section(item, level) {
  const heading = '#'.repeat(level);
  const parts = [`${heading} ${item.name}`];
  if (item.base !== null && item.kind !== 'interface') parts.push(`Extends ${code(item.base)}.`);
  const isType = item.kind === 'type' && isOptions(item.name);
  if (item.signature !== '' && !isType) parts.push(fence(item.signature));
  parts.push(...description(item));
  const members = item.members.filter((one) => !('deprecated' in one.tags));
  if (members.length === 0) return parts.join('\n\n');
  if (isOptions(item.name)) parts.push(optionsTable(members));
  else if (members.every((one) => one.kind === 'property')) parts.push(propertiesTable(members));
  else parts.push(...members.map((one) => member(item, one, level + 1)));
  return parts.join('\n\n');
}

function member(item, one, level) {
  const call = one.kind === 'property' ? '' : '()';
  const name = one.kind === 'constructor' ? `new ${item.name}()` : `${item.name}.${one.name}${call}`.replace('.[', '[');
  const parts = [`${'#'.repeat(level)} ${one.isStatic ? `static ${name}` : name}`];
  if (one.signature !== '') parts.push(fence(one.signature));
  return [...parts, ...description(one)].join('\n\n');
}

function description(item) {
  const parts = [];
  if ('deprecated' in item.tags) parts.push(`**Deprecated.** ${escaped(item.tags.deprecated.join(' '))}`);
  if (item.comment !== '') parts.push(escaped(item.comment));
  const list = [];
  for (const text of item.tags.param ?? [])
    list.push(`- ${code(text.split(' ')[0])}: ${escaped(text.split(' ').slice(1).join(' '))}`);
  for (const text of item.tags.returns ?? []) list.push(`- Returns ${escaped(text)}`);
  for (const text of item.tags.throws ?? []) list.push(`- Throws ${escaped(text)}`);
  if (list.length > 0) parts.push(list.join('\n'));
  for (const text of item.tags.example ?? []) parts.push(escaped(text));
  if (item.tags.since !== undefined) parts.push(`_Since ${item.tags.since[0]}._`);
  return parts;
}

function optionsTable(members) {
  const rows = members.map((one) => {
    const { text, value } = split(one.comment);
    return [code(one.name), code(typeOf(one)), value ?? (one.isOptional ? '' : '_required_'), text];
  });
  return table(['option', 'type', 'default', 'what it is'], rows);
}

function propertiesTable(members) {
  return table(
    ['member', 'type', 'what it is'],
    members.map((one) => [code(one.name), code(typeOf(one)), one.comment]),
  );
}

/** "… Default: 20." as the text and the default. */
function split(comment) {
  const flat = comment.replace(/\s+/g, ' ').trim();
  const found = /^(.*?)\s*\bDefault: (.*?)(?:\.(?: (.*))?)?$/.exec(flat);
  if (found === null) return { text: flat, value: null };
  const [, text, value, rest = ''] = found;
  return { text: `${text} ${rest}`.trim(), value };
}

function typeOf(one) {
  if (one.kind === 'method') return one.signature.replace(/;$/, '').replace(/\s+/g, ' ');
  const [, type = ''] =
    /^(?:readonly )?(?:get )?[\w$[\].]+\??(?:\(\))?: ([^]*?);?(?:\n(?=\S)|$)/.exec(one.signature) ?? [];
  return type
    .replace(/\s+/g, ' ')
    .replace(/ \| undefined\b/g, '')
    .replace(/^\((.*)\)$/, '$1');
}

function errorsPage(errors, exported) {
  const known = new Map();
  const aliases = [];
  for (const one of errors) {
    const value = exported[one.name];
    if (value.prototype.name === one.name) known.set(one.name, { item: one, value });
    else aliases.push([one.name, value.prototype.name]);
  }
  const codeOf = (value) => new value('').code;
  const children = (name) =>
    [...known.values()].filter(({ value }) => Object.getPrototypeOf(value).prototype?.name === name);
  const rows = [];
  const walk = (name, depth) => {
    const { item, value } = known.get(name);
    const [what, todo = ''] = item.comment.split(/\n\s*What to do: /);
    rows.push([
      `${'&emsp;'.repeat(depth)}[${name}](#${name.toLowerCase()})`,
      code(codeOf(value)),
      what,
      capitalised(todo),
    ]);
    for (const child of children(name)) walk(child.item.name, depth + 1);
  };
  walk('HTTPError', 0);
  const intro =
    'Everything that can happen while a request is under way rejects with a subclass of `HTTPError`: catch by class, and look at `code` for the detail. ' +
    '[Errors](../errors.md) tells the rest.';
  const parts = [
    intro,
    '## The tree',
    table(['class', 'code', 'what happened', 'what to do'], rows),
    '## Other names',
    table(
      ['name', 'is'],
      aliases.map(([name, of]) => [code(name), `[${of}](#${of.toLowerCase()})`]),
    ),
    '## Codes of the system, of TLS and of HTTP/2',
    'Where the system, or the peer, said what is wrong, `code` is its word for it, in the spelling of Node’s own modules:',
    table(
      ['code', 'class', 'what happened', 'what to do'],
      codes.map(([name, ...others]) => [code(name), ...others]),
    ),
    'Other errors of the system keep their names, too (EHOSTUNREACH, ENETUNREACH, EADDRNOTAVAIL, EMFILE, ENOSPC …).',
    '## Codes of the doors',
    table(
      ['code', 'door', 'what it is'],
      doorCodes.map(([name, door, what]) => [code(name), code(door), what]),
    ),
    'Those of `whippet/undici` are with [its errors](doors.md#errors).',
    '## Classes',
    ...[...known.values()].map(({ item }) => section(item, 3)),
  ];
  return page('Errors', parts);
}

function capitalised(text) {
  // A code or a name at the beginning stays as it is spelled.
  return /^[a-z]+ /.test(text) || /^[a-z]+[:;,]/.test(text) ? text[0].toUpperCase() + text.slice(1) : text;
}

function environmentPage() {
  return page('Environment variables', [
    'Those of proxies, netrc and certificates count only while `trustEnv` is true, which is the default. One that is set and empty counts as not set.',
    table(
      ['variable', 'read', 'what it does', 'without it'],
      variables.map(([names, ...others]) => [names.split(', ').map(code).join(', '), ...others]),
    ),
    'The small spelling of a proxy’s variable goes before the capital one. [Proxies](../proxies.md), [TLS](../tls.md) and [netrc](../netrc.md) have the details.',
  ]);
}

function diagnosticsPage() {
  return page('Diagnostics channels', [
    'Channels of `node:diagnostics_channel`. Each exchange is told on its own, redirects, challenges and retries included; without a subscriber it costs one check. [Event hooks, tracing, logging](../event-hooks.md) has examples.',
    table(
      ['channel', 'message', 'when'],
      channels.map(([name, message, when]) => [code(name), code(message), when]),
    ),
    'Requests and responses on `whippet:` are this package’s own; on `undici:` they have the shapes that undici’s have, for OpenTelemetry and other agents.',
  ]);
}

function defaultsPage(items) {
  const seen = new Set();
  const rows = [];
  for (const name of [
    'ClientOptions',
    'RequestOptions',
    'SendOptions',
    'PoolLimits',
    'RetryPolicy',
    'DownloadOptions',
    'EventsOptions',
    'HTTPProxyOptions',
  ]) {
    const item = items.find((one) => one.name === name);
    if (item === undefined) continue;
    for (const one of item.members) {
      const { value } = split(one.comment);
      if (value === null || (seen.has(one.name) && value.startsWith('the client'))) continue;
      const reason =
        reasons[`${name}.${one.name}`] ??
        reasons[`${name.replace('Events', 'Reconnect').replace('Download', 'File')}.${one.name}`] ??
        '';
      if (seen.has(`${one.name} ${value}`)) continue;
      seen.add(one.name).add(`${one.name} ${value}`);
      rows.push([
        `[${name}](options.md#${name.toLowerCase()})`.replace(
          'options.md#httpproxyoptions',
          'dispatch.md#httpproxyoptions',
        ),
        code(one.name),
        value,
        reason,
      ]);
    }
  }
  return page('Defaults, and why', [
    'What holds when nothing is said. Times are milliseconds.',
    table(['of', 'option', 'default', 'why'], rows),
  ]);
}

function indexPage(items, placed, anchorOf) {
  const pages = [
    ...groups.map(({ file, title }) => [file, title]),
    ['errors', 'Errors, their codes, and what to do'],
    ['environment', 'Environment variables'],
    ['defaults', 'Defaults, and why'],
    ['diagnostics', 'Diagnostics channels'],
    ['types', 'Types'],
    ['doors', 'Doors: whippet/install, undici, axios, got, smithy'],
  ];
  const rows = items.map((one) => [
    `[${one.name}](${placed.get(one)}.md#${anchorOf(one)})`,
    one.kind,
    firstSentence(one),
  ]);
  return page('Reference', [
    'Every export, with the comments that an editor shows, too. It is generated from them.',
    pages.map(([file, title]) => `- [${title}](${file}.md)`).join('\n'),
    '## Exports of whippet',
    table(['name', '', ''], rows),
  ]);
}

function firstSentence(item) {
  const flat = (item.comment || item.tags.deprecated?.[0] || '')
    .replace(/```[^]*?```/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return /^.*?[.:](?= |$)/.exec(flat)?.[0].replace(/:$/, '.') ?? flat;
}

function fence(text) {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function code(text) {
  const ticks = text.includes('`') ? '``' : '`';
  return `${ticks}${text}${ticks}`;
}

/** Text as it is but for what Markdown, or Vue in the site, would take for a tag. Code stays. */
function escaped(text) {
  return text
    .split(/(```[^]*?```|`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replace(/</g, '&lt;').replace(/\{\{/g, '&#123;&#123;')))
    .join('');
}

function table(head, rows) {
  const cell = (text) =>
    escaped(String(text))
      .replace(/\s*\n\s*/g, ' ')
      .replaceAll('|', String.raw`\|`)
      .trim();
  const line = (cells) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(head), `| ${head.map(() => '---').join(' | ')} |`, ...rows.map(line)].join('\n');
}

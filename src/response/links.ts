/** The Link header (RFC 8288 §3), by relation. What a link leads to is for the user to decide; targets are not resolved. */

/**
 * `{ next: { url: '/?page=2', rel: 'next' } }`. A link of several relations is there once for each; one without is named by
 * its URL; of two with one relation the later one counts. What cannot be read is skipped.
 */
export function parseLinks(header: string): Record<string, Record<string, string>> {
  const links = new Map<string, Record<string, string>>();
  const reader = { text: header, at: 0 };
  while (reader.at < header.length) {
    skip(reader, ' \t,');
    if (header[reader.at] !== '<') {
      skipLink(reader);
      continue;
    }
    const end = header.indexOf('>', reader.at);
    if (end === -1) break;
    const url = header.slice(reader.at + 1, end).trim();
    reader.at = end + 1;
    const parameters = readParameters(reader);
    const rel = parameters.get('rel') ?? '';
    const relations = rel.split(/[ \t]+/).filter((relation) => relation !== '');
    for (const relation of relations.length === 0 ? [url] : relations) {
      const link = new Map([['url', url], ...parameters]);
      if (relations.length > 0) link.set('rel', relation);
      // By fromEntries, so that '__proto__' is a name like any other.
      links.set(relation, Object.fromEntries(link));
    }
  }
  return Object.fromEntries(links);
}

interface Reader {
  text: string;
  at: number;
}

/** Names in lower case, the first of a name counts; `title*` (RFC 8187) is `title`, and better than a plain one. */
function readParameters(reader: Reader): Map<string, string> {
  const { text } = reader;
  const parameters = new Map<string, string>();
  const extended = new Map<string, string>();
  for (;;) {
    skip(reader, ' \t');
    if (text[reader.at] !== ';') break;
    reader.at++;
    skip(reader, ' \t;');
    const name = readUntil(reader, '=;, \t').toLowerCase();
    skip(reader, ' \t');
    let value = '';
    if (text[reader.at] === '=') {
      reader.at++;
      skip(reader, ' \t');
      value = text[reader.at] === '"' ? readQuoted(reader) : readUntil(reader, ';,').trim();
    }
    if (name === '') continue;
    const decoded = name.endsWith('*') ? decodeExtended(value) : undefined;
    if (decoded !== undefined) extended.set(name.slice(0, -1), decoded);
    else if (!parameters.has(name)) parameters.set(name, value);
  }
  for (const [name, value] of extended) parameters.set(name, value);
  // Whatever stands before the comma is no parameter.
  skipLink(reader);
  return parameters;
}

function readQuoted(reader: Reader): string {
  const { text } = reader;
  let value = '';
  let start = ++reader.at;
  while (reader.at < text.length && text[reader.at] !== '"') {
    if (text[reader.at] === '\\' && reader.at + 1 < text.length) {
      value += text.slice(start, reader.at);
      start = reader.at + 1;
      reader.at++;
    }
    reader.at++;
  }
  value += text.slice(start, reader.at);
  reader.at++;
  return value;
}

function readUntil(reader: Reader, ends: string): string {
  const start = reader.at;
  while (reader.at < reader.text.length && !ends.includes(reader.text[reader.at])) reader.at++;
  return reader.text.slice(start, reader.at);
}

function skip(reader: Reader, characters: string): void {
  while (reader.at < reader.text.length && characters.includes(reader.text[reader.at])) reader.at++;
}

/** To the comma that ends this link; one in quotes does not. */
function skipLink(reader: Reader): void {
  while (reader.at < reader.text.length && reader.text[reader.at] !== ',') {
    if (reader.text[reader.at] === '"') readQuoted(reader);
    else reader.at++;
  }
}

/** RFC 8187 §3.2.1: `UTF-8'en'%e2%82%ac`. */
function decodeExtended(value: string): string | undefined {
  const [, charset, encoded] = /^([\w-]+)'[\w-]*'(.*)$/s.exec(value) ?? [];
  if (charset?.toLowerCase() !== 'utf-8') return undefined;
  try {
    return decodeURIComponent(encoded);
  } catch {
    return undefined;
  }
}

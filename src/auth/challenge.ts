/** WWW-Authenticate, read (RFC 9110 §11.6.1). Which challenge is answered, and how, is the schemes' business. */

/** One challenge of a server. */
export interface Challenge {
  /** In lower case. */
  readonly scheme: string;
  /** Names in lower case, values unquoted; of a name that repeats, the first. */
  readonly params: ReadonlyMap<string, string>;
  /** What followed could not be read. */
  readonly isMalformed: boolean;
}

/**
 * All challenges of all lines, also when one line holds several. One pass over the text: no line takes more than linear time. What
 * cannot be read ends its line.
 */
export function parseChallenges(lines: readonly string[]): Challenge[] {
  return lines.flatMap((line) => parseLine(line));
}

interface Draft extends Challenge {
  params: Map<string, string>;
  isMalformed: boolean;
}

function parseLine(line: string): Draft[] {
  const challenges: Draft[] = [];
  let current: Draft | null = null;
  let at = 0;
  for (;;) {
    at = skip(line, at, isSeparator);
    if (at === line.length) return challenges;
    const nameEnd = skip(line, at, isToken);
    if (nameEnd === at) break;
    const name = line.slice(at, nameEnd);
    const equals = skip(line, nameEnd, isBlank);
    if (current !== null && line[equals] === '=') {
      const value = readValue(line, skip(line, equals + 1, isBlank));
      if (value === null) break;
      if (!current.params.has(name.toLowerCase())) current.params.set(name.toLowerCase(), value.text);
      at = value.end;
      continue;
    }
    current = { scheme: name.toLowerCase(), params: new Map(), isMalformed: false };
    challenges.push(current);
    at = skipToken68(line, equals);
  }
  if (current !== null) current.isMalformed = true;
  return challenges;
}

/** A token, or a quoted string with its backslashes undone; null when the quote is never closed. */
function readValue(line: string, start: number): { text: string; end: number } | null {
  if (line[start] !== '"') {
    const end = skip(line, start, isPlainValue);
    return { text: line.slice(start, end), end };
  }
  let text = '';
  for (let at = start + 1, from = at; at < line.length; at++) {
    if (line[at] === '"') return { text: text + line.slice(from, at), end: at + 1 };
    if (line[at] !== '\\') continue;
    text += line.slice(from, at);
    from = at + 1;
    at++;
  }
  return null;
}

/** `Negotiate YWJj==`: text that stands where parameters would. */
function skipToken68(line: string, start: number): number {
  let end = skip(line, start, isToken68);
  if (end === start) return start;
  end = skip(line, end, (code) => code === EQUALS);
  const next = skip(line, end, isBlank);
  return next === line.length || line[next] === ',' ? next : start;
}

function skip(line: string, start: number, isMeant: (code: number) => boolean): number {
  let at = start;
  while (at < line.length && isMeant(line.charCodeAt(at))) at++;
  return at;
}

const EQUALS = 0x3d;
const isBlank = (code: number) => code === 0x20 || code === 0x09;
const isSeparator = (code: number) => isBlank(code) || code === 0x2c;
/** RFC 9110 §5.6.2. */
const isToken = (code: number) =>
  code > 0x20 && code < 0x7f && !'"(),/:;<=>?@[\\]{}'.includes(String.fromCharCode(code));
/** More than a token: servers leave the quotes out around anything. */
const isPlainValue = (code: number) => code > 0x20 && code !== 0x2c && code !== 0x22;
const isToken68 = (code: number) => isToken(code) || code === 0x2f;

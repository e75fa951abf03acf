/** How a value is shown in a message. */

/**
 * Text for a message: in single quotes, control characters and lone surrogates escaped, cut at 100 characters, so that a
 * message stays one line that no terminal obeys.
 */
export function quote(text: string): string {
  const shown = text.length > 100 ? `${text.slice(0, 100)}…` : text;
  const escaped = shown.replace(/[\\'\p{C}\u2028\u2029]/gu, (char) => {
    if (char === '\\' || char === "'") return `\\${char}`;
    const code = char.codePointAt(0) as number;
    return shortEscapes.get(code) ?? `\\u{${code.toString(16)}}`;
  });
  return `'${escaped}'`;
}

/** What a value is, for "expected a string, got …": 'null', 'number', 'Date'. Never the value itself, which may be a secret. */
export function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value;
  const { constructor } = value;
  return typeof constructor === 'function' && constructor.name !== '' ? constructor.name : 'object';
}

const shortEscapes = new Map([
  [0x09, '\\t'],
  [0x0a, '\\n'],
  [0x0d, '\\r'],
]);

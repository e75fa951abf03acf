/** Bad usage: the option or word is named, nothing was sent, and the exit code is 2. */
export class UsageError extends Error {
  /** What may have been meant. */
  readonly suggestion: string | null;

  constructor(message: string, suggestion: string | null = null) {
    super(message);
    this.name = 'UsageError';
    this.suggestion = suggestion;
  }
}

/** A value that an option does not take. @param allowed What it takes, in words. */
export function badValue(option: string, value: string, allowed: string): UsageError {
  return new UsageError(`${option}: ${shown(value)} is not allowed, expected ${allowed}`);
}

/** A value in a message: quoted, short, on one line. */
export function shown(value: string): string {
  const text = value.length > 60 ? `${value.slice(0, 60)}…` : value;
  return `'${text}'`;
}

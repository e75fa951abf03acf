/** What is fuzzed, and how: texts made of the pieces that a grammar is made of, and of any characters. */
import * as fc from 'fast-check';

export interface Target {
  readonly name: string;
  readonly texts: fc.Arbitrary<string>;
  /** Throws when the text shows a fault. */
  check(text: string): void;
}

/** One that has to wait for what it looks at. */
export interface AsyncTarget extends Omit<Target, 'check'> {
  checkLater(text: string): Promise<void>;
}

/** Texts of these pieces, and now and then of any character of Latin-1 or of Unicode, or of one piece many times. */
export function textsOf(pieces: readonly string[], maxLength = 30): fc.Arbitrary<string> {
  const piece = fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...pieces) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(...pieces), fc.integer({ min: 2, max: 60 }))
        .map(([text, n]) => text.repeat(n)),
    },
  );
  return fc.array(piece, { maxLength, size: 'max' }).map((all) => all.join(''));
}

/** No input may take so long. */
const MAX_MS = 1_000;

/** Runs the target on that many texts. Of an error it tells the shortest text that fast-check found, and the seed. */
export async function fuzz(target: Target | AsyncTarget, numRuns: number, seed: number): Promise<void> {
  const options = { numRuns, seed, endOnFailure: false };
  if ('checkLater' in target) {
    const property = fc.asyncProperty(target.texts, async (text) => {
      const before = process.cpuUsage();
      await target.checkLater(text);
      limit(target.name, text, before);
    });
    return fc.assert(property, options);
  }
  const property = fc.property(target.texts, (text) => {
    const before = process.cpuUsage();
    target.check(text);
    limit(target.name, text, before);
  });
  fc.assert(property, options);
}

/** Of the processor: a machine that is busy with something else is not the parser's fault. */
function limit(name: string, text: string, before: NodeJS.CpuUsage): void {
  const { user, system } = process.cpuUsage(before);
  const took = (user + system) / 1000;
  if (took > MAX_MS) throw new Error(`${name} took ${took} ms for ${text.length} characters`);
}

/** The errors that may be thrown; any other is a fault. */
export function allowing<T>(
  errors: readonly (abstract new (...details: never[]) => Error)[],
  run: () => T,
): T | undefined {
  try {
    return run();
  } catch (error) {
    if (errors.some((one) => error instanceof one)) return undefined;
    throw error;
  }
}

/** Throws unless both are the same as JSON. */
export function same(found: unknown, expected: unknown, what: string): void {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: ${a} is not ${b}`);
}

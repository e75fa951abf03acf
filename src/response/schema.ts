/** Validation by any library that speaks Standard Schema v1: zod, valibot, arktype and others. */

import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ErrorDetails, ValidationIssue } from '../errors.js';
import { ValidationError } from '../errors.js';
import { withoutSecrets } from '../request-secrets.js';
import { typeName } from '../shown-text.js';

/**
 * A schema of any library that speaks Standard Schema v1: zod, valibot, arktype and others.
 *
 * @standard-schema/spec v1.
 * @since 0.1.0
 */
export type StandardSchema = StandardSchemaV1;
/** What a schema makes of its input. @since 0.1.0 */
export type StandardSchemaOutput<S extends StandardSchema> = StandardSchemaV1.InferOutput<S>;

/**
 * @param where Whose value it is, for the message.
 * @throws TypeError for what is no Standard Schema v1; ValidationError with the schema's issues. What the schema itself throws
 *   passes through.
 */
export async function validate<S extends StandardSchema>(
  schema: S,
  value: unknown,
  where: string,
  details: ErrorDetails,
): Promise<StandardSchemaOutput<S>> {
  const standard = (schema as S | null | undefined)?.['~standard'];
  if (
    typeof standard !== 'object' ||
    standard === null ||
    standard.version !== 1 ||
    typeof standard.validate !== 'function'
  ) {
    throw new TypeError(`schema: expected a Standard Schema v1 (zod, valibot, arktype …), got ${typeName(schema)}`);
  }
  const result = await standard.validate(value);
  const isResult = typeof result === 'object' && result !== null;
  if (!isResult || (result.issues ? !Array.isArray(result.issues) : !('value' in result))) {
    throw new TypeError(`schema: expected validate() to return a value or issues, got ${typeName(result)}`);
  }
  if (!result.issues) return result.value as StandardSchemaOutput<S>;
  const strange = result.issues.find((issue: unknown) => typeof issue !== 'object' || issue === null);
  if (result.issues.includes(strange as never)) {
    throw new TypeError(`schema: expected validate() to return issues that are objects, got ${typeName(strange)}`);
  }
  const message = `${where}: ${told(result.issues)}`;
  const { request } = details;
  throw new ValidationError(request === undefined ? message : withoutSecrets(message, request), result.issues, details);
}

/** The first issues, each with its place: `users[0].name: expected a string`. */
function told(issues: readonly ValidationIssue[]): string {
  if (issues.length === 0) return 'the body is not what the schema says, which names no issue';
  const shown = issues.slice(0, MAX_ISSUE_COUNT).map(({ message, path }) => {
    const place = pathOf(path ?? []);
    const text = typeof message === 'string' ? cut(message) : '(an issue without a message)';
    return place === '' ? text : `${cut(place)}: ${text}`;
  });
  const rest = issues.length - shown.length;
  return `the body is not what the schema says: ${shown.join('; ')}${rest > 0 ? `; and ${rest} more` : ''}`;
}

function pathOf(path: NonNullable<ValidationIssue['path']>): string {
  if (!Array.isArray(path)) return '';
  return path
    .map((segment: (typeof path)[number]) => (typeof segment === 'object' && segment !== null ? segment.key : segment))
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${keyOf(key)}`))
    .join('');
}

/** What is no key of a property has perhaps no text either. */
function keyOf(key: unknown): string {
  return typeof key === 'object' && key !== null ? typeName(key) : String(key);
}

function cut(text: string): string {
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

const MAX_ISSUE_COUNT = 3;

/** `response.json(schema)`: any Standard Schema v1, the libraries that speak it, and what is none. */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import test from 'ava';
import { inspect } from 'node:util';
import * as v from 'valibot';
import { z } from 'zod';
import { type HTTPError, Request, Response, type StandardSchema, ValidationError } from '../../src/index.js';
import { failure } from '../helpers/client.js';

const request = new Request('GET', 'https://user:S3cr3t@example.org/users?token=S3cr3t');
const users = (body: unknown) => new Response(200, { json: body, request });

const SCHEMAS: [name: string, schema: StandardSchemaV1<unknown, { users: { name: string }[] }>][] = [
  ['zod', z.object({ users: z.array(z.object({ name: z.string() })) })],
  ['valibot', v.object({ users: v.array(v.object({ name: v.string() })) })],
  ['arktype', type({ users: type({ name: 'string' }).array() })],
];

for (const [name, schema] of SCHEMAS) {
  test(`${name}: what fits`, async (t) => {
    const body = await users({ users: [{ name: 'Ada' }] }).json(schema);
    // The type is the schema's output.
    const first: string = body.users[0].name;
    t.is(first, 'Ada');
  });

  test(`${name}: what does not`, async (t) => {
    const response = users({ users: [{ name: 'Ada' }, { name: 1 }] });
    const error = (await failure(response.json(schema))) as ValidationError;
    t.true(error instanceof ValidationError);
    t.is(error.code, 'ERR_VALIDATION');
    t.is(error.name, 'ValidationError');
    t.is(error.issues.length, 1);
    t.is(error.response, response);
    t.is(error.request, request);
    t.regex(error.message, /^GET https:\/\/example\.org\/users: .*users\[1\]\.name/);
    t.notRegex(error.message + (error.stack ?? '') + inspect(error), /S3cr3t/);
  });
}

test('what the schema makes of it is what is returned, also later', async (t) => {
  const date = z.object({ at: z.string().transform((text) => new Date(text)) });
  const { at } = await users({ at: '2026-01-01' }).json(date);
  t.true(at instanceof Date);
  const later = z.object({ n: z.number().refine((n) => Promise.resolve(n > 1), 'too small') });
  t.deepEqual(await users({ n: 2 }).json(later), { n: 2 });
  t.regex((await failure(users({ n: 1 }).json(later))).message, /n: too small/);
});

test('issues without a place, many of them, long ones', async (t) => {
  const issues = [
    { message: 'x'.repeat(1000) },
    { message: 'b', path: [{ key: 'a' }, 0] },
    { message: 'c' },
    { message: 'd' },
  ];
  const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } };
  const error = (await failure(users({}).json(schema))) as ValidationError;
  t.is(error.issues, issues);
  t.regex(error.message, /x…; a\[0\]: b; c; and 1 more$/);
  t.true(error.message.length < 500);
});

test('what the schema throws passes through', async (t) => {
  const thrown = new Error('mine');
  const schema: StandardSchema = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate() {
        throw thrown;
      },
    },
  };
  t.is(await failure(users({}).json(schema)), thrown);
});

test('a body that is no JSON', async (t) => {
  const error = (await failure(new Response(200, { text: '<html>' }).json(z.string()))) as HTTPError;
  t.notRegex(String(error.name), /ValidationError/);
});

for (const schema of [
  null,
  {},
  { '~standard': {} },
  { '~standard': { version: 2, validate: () => ({}) } },
  'zod',
  1,
  () => true,
]) {
  test(`no schema: ${inspect(schema)}`, async (t) => {
    const error = await failure(users({}).json(schema as unknown as StandardSchema));
    t.true(error instanceof TypeError);
    t.regex(error.message, /^schema: expected a Standard Schema v1/);
  });
}

for (const result of [null, undefined, 1, {}, { issues: 1 }, { issues: {} }]) {
  test(`a schema whose validate() returns ${inspect(result)}`, async (t) => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => result } };
    const error = await failure(users({}).json(schema as unknown as StandardSchema));
    t.true(error instanceof TypeError);
    t.regex(error.message, /^schema: expected validate\(\) to return a value or issues/);
  });
}

const unusual: [issue: unknown, shown: RegExp][] = [
  [{}, /says: \(an issue without a message\)$/],
  [{ message: undefined, path: ['a'] }, /says: a: \(an issue without a message\)$/],
  [{ message: 1 }, /says: \(an issue without a message\)$/],
  [{ message: 'no', path: 1 }, /says: no$/],
  [{ message: 'no', path: { key: 'a' } }, /says: no$/],
  [{ message: 'no', path: [{}] }, /says: undefined: no$/],
  [{ message: 'no', path: [{ key: Object.create(null) }, { key: [] }] }, /says: object\.Array: no$/],
];

for (const [issue, shown] of unusual) {
  test(`an issue that is ${inspect(issue)} is shown as far as it goes`, async (t) => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [issue] }) } };
    const error = (await failure(users({}).json(schema as unknown as StandardSchema))) as ValidationError;
    t.is(error.code, 'ERR_VALIDATION');
    t.regex(error.message, shown);
    t.deepEqual(error.issues, [issue] as never);
  });
}

for (const issues of [[null], [undefined], [{ message: 'a' }, 1], ['no'], [() => 1], Array.from({ length: 2 })]) {
  test(`issues that are ${inspect(issues)}`, async (t) => {
    const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } };
    const error = await failure(users({}).json(schema as unknown as StandardSchema));
    t.true(error instanceof TypeError);
    t.regex(error.message, /^schema: expected validate\(\) to return issues that are objects, got \w+$/);
  });
}

test('no issues at all', async (t) => {
  const schema: StandardSchema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues: [] }) } };
  t.regex(
    (await failure(users({}).json(schema))).message,
    /the body is not what the schema says, which names no issue$/,
  );
});

test('a place that is no key is shown as it is', async (t) => {
  const issues = [{ message: 'no', path: [null, Symbol('s'), { key: 'k' }] }];
  const schema = { '~standard': { version: 1, vendor: 'test', validate: () => ({ issues }) } };
  t.regex((await failure(users({}).json(schema as unknown as StandardSchema))).message, /null\.Symbol\(s\)\.k: no/);
});

test('undefined is no schema either, once it is given', async (t) => {
  t.true((await failure(users({}).json(undefined as unknown as StandardSchema))) instanceof TypeError);
});

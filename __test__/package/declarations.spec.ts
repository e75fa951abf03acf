import test from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const dist = path.join(import.meta.dirname, '../../dist');

test('what users must not see is in no declaration: members, constructor parameters', (t) => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => /\.d\.c?ts$/.test(file));
  t.true(files.includes('response/response.d.ts'));
  // No door leads to it.
  t.false(files.includes('client/call.d.ts'));
  const texts = files.map((file) => [file, readFileSync(path.join(dist, file), 'utf8')] as const);
  t.deepEqual(
    texts.filter(([, text]) => text.includes('@internal')).map(([file]) => file),
    [],
  );
  const response = texts.find(([file]) => file === 'response/response.d.ts')![1];
  t.notRegex(response, /\b(attach|wrapBody|forExchange|receivedResponse)\b/);
  t.regex(response, /constructor\(statusCode: number, init\?: ResponseParts\);/);
});

test('no declaration takes `esModuleInterop`, which is an option of the program that reads it', (t) => {
  const files = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((file) => /\.d\.c?ts$/.test(file));
  for (const file of files)
    t.notRegex(readFileSync(path.join(dist, file), 'utf8'), /^import (?:type )?\w+ from '[^']*\.cjs'/m, file);
});

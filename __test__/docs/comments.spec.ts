/** Everything public has a doc comment, as a user's editor shows it: read from dist/*.d.ts. */
import test from 'ava';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isOptions, readModel, type Item } from '../../scripts/reference/model.js';
import { root } from './markdown.js';

interface Public {
  /** `whippet Client.get` */
  readonly id: string;
  readonly item: Item;
  /** The export that it is a member of. */
  readonly of: Item | null;
}

const everything: Public[] = [...readModel()].flatMap(([door, items]) =>
  items.flatMap((item): Public[] => [
    { id: `${door} ${item.name}`, item, of: null },
    ...item.members.map((member) => ({ id: `${door} ${item.name}.${member.name}`, item: member, of: item })),
  ]),
);
const without = (isWrong: (one: Public) => boolean): string[] => everything.filter(isWrong).map(({ id }) => id);

test('everything public has a comment', (t) => {
  t.true(everything.length > 600, 'the declarations were found');
  t.deepEqual(
    without(({ item }) => item.comment === '' && !('deprecated' in item.tags)),
    [],
  );
});

test('comments begin as sentences', (t) => {
  t.deepEqual(
    without(({ item }) => item.comment !== '' && !/^(?:[\p{Lu}`'"0-9(]|(?:true|false|null)\b)/u.test(item.comment)),
    [],
  );
});

test('comments have a subject and say something of it', (t) => {
  t.deepEqual(
    without(({ item }) => item.comment.split(/\s+/).length < 3 && !('deprecated' in item.tags)),
    [],
  );
});

test('no editor shows the first comment of a module with its first declaration', (t) => {
  const files = (readdirSync(path.join(root, 'dist'), { recursive: true }) as string[]).filter((name) =>
    /\.d\.c?ts$/.test(name),
  );
  t.true(files.length > 100);
  const doubled = files.filter((name) =>
    /^\/\*\*(?:[^*]|\*(?!\/))*\*\/\s*\/\*\*/.test(readFileSync(path.join(root, 'dist', name), 'utf8')),
  );
  t.deepEqual(doubled, []);
});

test('each option that may be left out says what it is then: "Default: …", with "none" where there is none', (t) => {
  t.deepEqual(
    without(({ item, of }) => {
      const isOption = of !== null && isOptions(of.name) && item.isOptional && item.kind === 'property';
      return isOption && !/\bDefault:? \S/.test(item.comment);
    }),
    [],
  );
});

test('everything public says since which version it is there', (t) => {
  t.deepEqual(
    without(({ item }) => !/^\d+\.\d+\.\d+$/.test(item.tags.since?.[0] ?? '')),
    [],
  );
});

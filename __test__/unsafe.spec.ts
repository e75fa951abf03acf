/** docs/decisions/unsafe.md lists all that the compiler cannot check, and no more. */
import test from 'ava';
import { readdir, readFile } from 'node:fs/promises';

const root = new URL('../', import.meta.url);
const WORDS = ['unsafe', 'from_owner', 'from_external', 'from_raw_parts', 'transmute', 'static mut'];

test('each place is on the page, with how often it is there', async (t) => {
  const names = await readdir(new URL('crates', root), { recursive: true });
  const found: string[] = [];
  for (const name of names.filter((name) => name.endsWith('.rs'))) {
    const file = `crates/${name.replaceAll('\\', '/')}`;
    // What is said about it in comments is not it.
    const code = (await readFile(new URL(file, root), 'utf8')).replace(/\/\/.*/g, '');
    for (const word of WORDS) {
      const times = code.match(new RegExp(`\\b${word}\\b`, 'g'))?.length ?? 0;
      if (times > 0) found.push(`${file} ${word} ${times}`);
    }
  }
  const page = await readFile(new URL('docs/decisions/unsafe.md', root), 'utf8');
  const rows = [...page.matchAll(/^\| `(crates\/[^`]*)` *\| `(\w+)` *\| (\d+) /gm)];
  t.deepEqual(rows.map(([, file, word, times]) => `${file} ${word} ${times}`).sort(), found.sort());
});

test('no options of the allocator are set while other threads read them', async (t) => {
  const code = await readFile(new URL('crates/node/src/memory.rs', root), 'utf8');
  t.notRegex(code.replace(/\/\/.*/g, ''), /mi_option_set/);
});

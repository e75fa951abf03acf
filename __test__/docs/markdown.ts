/** The fenced blocks of a Markdown page, and the pages that there are. What a block means is page-program.ts's. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A fenced block. */
export interface Block {
  /** The line of its fence, counted from 1. */
  readonly line: number;
  /** The first word after the ticks. */
  readonly language: string;
  /** The words after that. */
  readonly marks: readonly string[];
  readonly text: string;
}

/** README.md and what is in docs/, by their paths from the root. */
export function pages(): string[] {
  const found = (readdirSync(path.join(root, 'docs'), { recursive: true }) as string[])
    .map((name) => `docs/${name.split(path.sep).join('/')}`)
    .filter((name) => name.endsWith('.md') && !/^docs\/(\.vitepress|node_modules)\//.test(name));
  return ['README.md', ...found.sort()];
}

/** The text of a file, by its path from the root. */
export function textOf(page: string): string {
  return readFileSync(path.join(root, page), 'utf8');
}

/** The blocks of a page of the repository. The signatures in the generated reference are no program. */
export function blocksIn(page: string): Block[] {
  return blocksOf(codeOf(page));
}

/** The text of a page as its blocks are checked. */
export function codeOf(page: string): string {
  return page.startsWith('docs/reference/') ? textOf(page).replace(/^```ts$/gm, '```text') : textOf(page);
}

/** The blocks of a text in their order. A fence may be indented, within a list; an open one runs to the end. */
export function blocksOf(text: string): Block[] {
  const blocks: Block[] = [];
  let open: { line: number; fence: string; indent: number; words: string[]; lines: string[] } | undefined;
  text.split(/\r?\n/).forEach((line, index) => {
    const [, spaces = '', fence = '', rest = ''] = /^( *)(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (open === undefined) {
      if (fence === '') return;
      const words = rest.trim().split(/\s+/);
      open = { line: index + 1, fence, indent: spaces.length, words, lines: [] };
    } else if (fence.startsWith(open.fence) && rest.trim() === '') {
      blocks.push(closed(open));
      open = undefined;
    } else open.lines.push(line.replace(new RegExp(`^ {0,${open.indent}}`), ''));
  });
  if (open !== undefined) blocks.push(closed(open));
  return blocks;
}

function closed({ line, words, lines }: { line: number; words: string[]; lines: string[] }): Block {
  const [language = '', ...marks] = words;
  return { line, language, marks, text: lines.join('\n') };
}

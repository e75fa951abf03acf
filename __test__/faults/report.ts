/** The outcomes of a run as the tables of docs/reliability.md. */
import type { ExecutionContext } from 'ava';
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { type Cell, type Fault, type Http2Fault, OPERATIONS } from './kit.js';

const PAGE = new URL('../../docs/reliability.md', import.meta.url);
const BEGIN = '<!-- Written by `WRITE_RELIABILITY=1 npm test -- __test__/faults/matrix.spec.ts`. -->\n';
const END = '\n<!-- The end of what is written. -->';

/** What the cells of one fault came to: outcome → cells. */
type Row = Map<string, Cell[]>;

export class Outcomes {
  #tables = new Map<string, Map<Fault | Http2Fault, Row>>();
  #count = 0;

  /** Several are what a race decides. */
  add(title: string, fault: Fault | Http2Fault, cell: Cell, found: readonly string[]): void {
    this.#count += 1;
    const table = this.#tables.get(title) ?? new Map<Fault | Http2Fault, Row>();
    this.#tables.set(title, table);
    const row: Row = table.get(fault) ?? new Map();
    table.set(fault, row);
    const outcome = found.join(' or ');
    row.set(outcome, [...(row.get(outcome) ?? []), cell]);
  }

  /** The page has what this run found; with WRITE_RELIABILITY in the environment it is made to. */
  async compare(t: ExecutionContext): Promise<void> {
    const page = readFileSync(PAGE, 'utf8');
    const [from, to] = [page.indexOf(BEGIN) + BEGIN.length, page.indexOf(END)];
    if (process.env.WRITE_RELIABILITY !== undefined) {
      const written = page.slice(0, from) + this.#text() + page.slice(to);
      const options = await resolveConfig(PAGE);
      writeFileSync(PAGE, await format(written, { ...options, filepath: PAGE.pathname }));
    }
    const plain = (text: string): string => text.replaceAll(/-{3,}/g, '---').replaceAll(/[ \n]+/g, ' ');
    const found = readFileSync(PAGE, 'utf8').split(BEGIN)[1].split(END)[0];
    t.is(plain(found).trim(), plain(this.#text()).trim());
  }

  #text(): string {
    const parts = [`\n${this.#count} cells.\n`];
    for (const [title, table] of this.#tables) {
      parts.push(`\n### ${title}\n\n| row | fault | outcome |\n| --- | --- | --- |\n`);
      for (const [{ row, name }, outcomes] of table) parts.push(`| ${row} | ${name} | ${told(outcomes)} |\n`);
    }
    return parts.join('');
  }
}

/** `A`, or `A; B of a streamed POST, on a new connection`. */
function told(row: Row): string {
  const all = [...row.values()].flat();
  const sorted = [...row].sort(([, a], [, b]) => b.length - a.length);
  return sorted
    .map(([outcome, cells], i) => (i === 0 ? shown(outcome) : `${shown(outcome)} ${where(cells, all)}`))
    .join('; ');
}

function shown(outcome: string): string {
  return outcome
    .split(' or ')
    .map((one) => (/^[A-Z]/.test(one) ? `\`${one.replace(' ', '` `')}\`` : `_${one}_`))
    .join(' or ');
}

/** What the cells have in common that the others have not. */
function where(cells: readonly Cell[], all: readonly Cell[]): string {
  const parts: string[] = [];
  const operations = OPERATIONS.filter((operation) => cells.some((cell) => cell.operation === operation));
  if (operations.length < new Set(all.map(({ operation }) => operation)).size) parts.push(operations.join(', '));
  const kinds = new Set(cells.map(({ reused }) => reused));
  if (kinds.size === 1 && new Set(all.map(({ reused }) => reused)).size === 2) {
    parts.push(kinds.has(true) ? 'on a used connection' : 'on a new connection');
  }
  const ways = new Set(cells.map(({ way }) => way));
  if (ways.size < new Set(all.map(({ way }) => way)).size) parts.push([...ways].join(', '));
  return `(${parts.join('; ')})`;
}

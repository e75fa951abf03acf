/**
 * A page as a program: CONTRIBUTING ("Code blocks of README and docs/") says what is written how. Running it is blocks.spec.ts's,
 * with runtime.js inside.
 */
import { parse, type Comment, type ImportDeclaration, type Node, type Program, type Statement } from 'acorn';
import { full } from 'acorn-walk';
import { transformSync } from 'esbuild';
import { blocksOf, type Block } from './markdown.js';

/** A page is one program, or several: a new one begins where a block imports another thing by a name that is taken. */
export interface PageProgram {
  /** What is run: JavaScript for every Node that is supported. Null where each block is for types only. */
  readonly code: string | null;
  /** What is type-checked: TypeScript, with a comment `//@ LINE run` or `//@ LINE types` before each block. */
  readonly typescript: string;
}

/** A mistake of the page itself, before anything runs. */
export class PageError extends Error {
  constructor(line: number, message: string) {
    super(`line ${line}: ${message}`);
  }
}

const PROGRAMS = ['js', 'ts'];
const SHELLS = ['sh'];
const TEXTS = ['text', 'ini', 'http', 'python', 'json', 'html'];

/**
 * The programs of a page.
 *
 * @param given the names that are the reader's, see given.js
 * @throws {PageError} at a block that is neither to run, nor to check, nor text
 */
export function programsOf(text: string, given: ReadonlySet<string>): PageProgram[] {
  const blocks = blocksOf(text);
  const segments: Segment[] = [];
  let segment = new Segment(given);
  blocks.forEach((block, index) => {
    const kind = kindOf(block);
    if (kind === 'output' && !isRun(blocks[index - 1])) throw new PageError(block.line, 'an output is below what runs');
    if (kind !== 'run' && kind !== 'types') return;
    const next = blocks[index + 1];
    const output = next !== undefined && kindOf(next) === 'output' ? next.text : null;
    const piece = new Piece(block, kind === 'run', output);
    if (segment.clashesWith(piece)) {
      segments.push(segment);
      segment = segment.followedBy(piece);
    }
    segment.add(piece);
  });
  if (segment.isNotEmpty) segments.push(segment);
  return segments.map((one) => one.toProgram());
}

/** How a block is meant, by its fence. */
export function kindOf({ language, marks, line }: Block): 'run' | 'types' | 'output' | 'shell' | 'text' {
  const fence = [language, ...marks].join(' ');
  if (PROGRAMS.includes(language) && marks.length === 0) return 'run';
  if (PROGRAMS.includes(language) && marks.join(' ') === 'types') return 'types';
  if (fence === 'text output') return 'output';
  if (SHELLS.includes(language) && marks.length === 0) return 'shell';
  if (TEXTS.includes(language) && marks.length === 0) return 'text';
  const how = 'see "Code blocks of README and docs/" in CONTRIBUTING.md';
  throw new PageError(line, `a block of "${fence}" is neither run nor checked: ${how}`);
}

function isRun(block: Block | undefined): boolean {
  return block !== undefined && kindOf(block) === 'run';
}

/** Blocks that share their imports: each is in the scope of those before it, so that names may be declared anew. */
class Segment {
  readonly #pieces: Piece[] = [];
  /** Local name → where it comes from. */
  readonly #imports = new Map<string, string>();

  constructor(private readonly given: ReadonlySet<string>) {}

  get isNotEmpty(): boolean {
    return this.#pieces.length > 0;
  }

  clashesWith(piece: Piece): boolean {
    return [...piece.imports].some(([name, from]) => (this.#imports.get(name) ?? from) !== from);
  }

  /** The next segment: the imports so far, but for those that are made anew. */
  followedBy(piece: Piece): Segment {
    const next = new Segment(this.given);
    for (const [name, from] of this.#imports) if (!piece.imports.has(name)) next.#imports.set(name, from);
    return next;
  }

  add(piece: Piece): void {
    this.#pieces.push(piece);
    for (const [name, from] of piece.imports) this.#imports.set(name, from);
  }

  toProgram(): PageProgram {
    const runs = this.#pieces.filter((piece) => piece.runs);
    const names = new Set(this.#pieces.flatMap((piece) => [...piece.names]));
    const readers = [...this.given].filter((name) => names.has(name) && !this.#imports.has(name));
    const imports = (from: string): string =>
      [
        ...(readers.length > 0 ? [`import { ${readers.join(', ')} } from '${from}';`] : []),
        ...this.#imports.values(),
      ].join('\n');
    const nested = (pieces: Piece[], textOf: (piece: Piece) => string): string =>
      pieces.map((piece) => `{\n${textOf(piece)}\n`).join('') + '}'.repeat(pieces.length);
    const typescript = `${imports('$GIVEN')}\n${nested(this.#pieces, (piece) => `//@ ${piece.line} ${piece.isTyped ? 'types' : 'run'}\n${piece.plain}`)}\nexport {};\n`;
    if (runs.length === 0) return { code: null, typescript };
    const source = `import { $docs } from '$RUNTIME';\n${imports('$GIVEN')}\n${nested(runs, (piece) => piece.watched)}\n$docs.done();\n`;
    // Types off, and `await using` for a Node that does not have it.
    const options = {
      loader: 'ts',
      format: 'esm',
      target: 'node20.19',
      charset: 'utf8',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    } as const;
    return { code: transformSync(source, options).code, typescript };
  }
}

/** One block, read. */
class Piece {
  readonly line: number;
  /** Local name → the import of it alone. */
  readonly imports = new Map<string, string>();
  /** Every identifier in it. */
  readonly names = new Set<string>();
  /** The block without its imports. Its lines are those of the page. */
  readonly plain: string;
  /** As `plain`, with the checks of what its comments claim. */
  readonly watched: string;
  /** Whether its types have to be right. */
  readonly isTyped: boolean;

  constructor(
    block: Block,
    readonly runs: boolean,
    output: string | null,
  ) {
    this.line = block.line;
    // Types are blanked out by esbuild, which moves the lines of comments: claims are read in JavaScript only.
    const isTypeScript = block.language === 'ts';
    this.isTyped = isTypeScript || !runs;
    const comments: Comment[] = [];
    const program = parsed(isTypeScript ? withoutTypes(block) : block.text, block.line, comments);
    full(program, (node) => {
      if (node.type === 'Identifier') this.names.add((node as Node & { name: string }).name);
    });
    const edits: Edit[] = [];
    for (const statement of program.body) {
      if (statement.type.startsWith('Export'))
        throw new PageError(this.#at(block, statement), 'a block exports nothing');
      if (statement.type !== 'ImportDeclaration') continue;
      for (const [name, text] of importsOf(statement)) this.imports.set(name, text);
      edits.push({ at: statement.start, end: statement.end, text: '' });
    }
    if (isTypeScript) {
      for (const [name, text] of typeImportsOf(block.text)) this.imports.set(name, text);
      this.plain = block.text.replace(/^import [^;]*;$/gm, (found) => found.replace(/[^\n]/g, ''));
      this.watched = `$docs.begin(${block.line});\n${this.plain}\n$docs.end(${JSON.stringify(output)});`;
      return;
    }
    this.plain = edited(block.text, edits);
    const watched = edited(block.text, [...edits, ...watches(block, program, comments)]);
    this.watched = `$docs.begin(${block.line});\n${watched}\n$docs.end(${JSON.stringify(output)});`;
  }

  #at(block: Block, node: Node): number {
    return block.line + (node.loc?.start.line ?? 0);
  }
}

function withoutTypes(block: Block): string {
  return transformSync(block.text, {
    loader: 'ts',
    format: 'esm',
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
  }).code;
}

function parsed(text: string, line: number, onComment: Comment[]): Program {
  try {
    return parse(text, { ecmaVersion: 'latest', sourceType: 'module', locations: true, onComment });
  } catch (error) {
    const at = (error as { loc?: { line: number } }).loc?.line ?? 0;
    throw new PageError(line + at, (error as Error).message);
  }
}

/** An import of several names as imports of one name each. One without a name is known by its module. */
function importsOf({ specifiers, source }: ImportDeclaration): [name: string, text: string][] {
  const from = `from ${source.raw};`;
  if (specifiers.length === 0) return [[`'${String(source.value)}'`, `import ${source.raw};`]];
  return specifiers.map((one) => {
    const local = one.local.name;
    if (one.type === 'ImportDefaultSpecifier') return [local, `import ${local} ${from}`];
    if (one.type === 'ImportNamespaceSpecifier') return [local, `import * as ${local} ${from}`];
    const imported = one.imported.type === 'Identifier' ? one.imported.name : one.imported.raw;
    return [local, `import { ${imported} as ${local} } ${from}`];
  });
}

/** The imports of types alone, which are gone from the JavaScript of a block. */
function typeImportsOf(text: string): [name: string, text: string][] {
  return [...text.matchAll(/^import (type )?\{([^}]*)\} from ('[^']+');$/gm)].flatMap(([, all, names, from]) =>
    names
      .split(',')
      .map((one) => /^\s*(type )?(\w+)(?: as (\w+))?\s*$/.exec(one))
      .filter((one) => one !== null && (all ?? one[1]) !== undefined)
      .map((one) => {
        const [, , imported, local = imported] = one!;
        return [local, `import { type ${imported} as ${local} } from ${from};`] as [string, string];
      }),
  );
}

interface Edit {
  readonly at: number;
  readonly end: number;
  readonly text: string;
}

/** The later ones first, so that the places of the others stay. What is cut leaves its line ends. */
function edited(text: string, edits: readonly Edit[]): string {
  return [...edits]
    .sort((a, b) => b.at - a.at || b.end - a.end)
    .reduce((now, { at, end, text: put }) => {
      const lines = now.slice(at, end).replace(/[^\n]/g, '');
      return now.slice(0, at) + put + (at === end ? '' : lines) + now.slice(end);
    }, text);
}

const VALUE = /^(?:'[^']*'|"[^"]*"|-?\d[\d_.]*n?|true|false|null|undefined|\[.*\]|\{.*\}|<[A-Z].*>)(?:;|$)/s;

/** What the comments claim, as calls of the runtime around the statements that they stand behind. */
function watches(block: Block, program: Program, comments: readonly Comment[]): Edit[] {
  const statements: Statement[] = [];
  full(program, (node) => {
    if (node.type === 'ExpressionStatement' || node.type === 'VariableDeclaration') statements.push(node as Statement);
  });
  const edits: Edit[] = [];
  for (const comment of comments) {
    const said = comment.value.trim();
    const line = block.line + (comment.loc?.start.line ?? 0);
    const statement = statements
      .filter((one) => one.end <= comment.start && block.text.slice(one.end, comment.start).trim() === '')
      .sort((a, b) => b.start - a.start)
      .at(-1);
    const isBeside = statement !== undefined && !block.text.slice(statement.end, comment.start).includes('\n');
    const [, sign, claim = ''] = /^(=>|throws\b)\s*(.*)$/s.exec(said) ?? [];
    if (sign === undefined) {
      if (isBeside && (VALUE.test(said) || isPrint(statement)))
        throw new PageError(line, `"${said}" looks like an output: write "// => ${said}", so that it is checked`);
      continue;
    }
    if (statement === undefined) throw new PageError(line, `"${said}" stands behind no statement`);
    const args = `${line}, ${JSON.stringify(claim)}`;
    const { start, end } = statement;
    const insert = (at: number, text: string): void => void edits.push({ at, end: at, text });
    if (sign === 'throws') {
      insert(start, 'try { ');
      insert(end, `; $docs.missing(${args}); } catch ($error) { $docs.threw(${args}, $error); }`);
    } else if (isPrint(statement)) {
      insert(start, '{ $docs.listen(); ');
      insert(end, `; $docs.printed(${args}); }`);
    } else if (statement.type === 'ExpressionStatement') {
      insert(start, `$docs.value(${args}, (`);
      insert(statement.expression.end, '))');
    } else if (statement.type === 'VariableDeclaration') {
      const { id } = statement.declarations[0];
      if (id.type !== 'Identifier') throw new PageError(line, `"${said}" stands behind no single value`);
      insert(end, `; $docs.value(${args}, ${id.name});`);
    }
  }
  return edits;
}

function isPrint(statement: Statement | undefined): boolean {
  if (statement?.type !== 'ExpressionStatement') return false;
  const { expression } = statement;
  if (expression.type !== 'CallExpression' || expression.callee.type !== 'MemberExpression') return false;
  const { object, property } = expression.callee;
  return (
    object.type === 'Identifier' &&
    object.name === 'console' &&
    property.type === 'Identifier' &&
    property.name === 'log'
  );
}

/**
 * The public declarations, read from dist/*.d.ts as a user's compiler reads them: what is exported by which door, and what its doc
 * comments say. Pages are made of it by pages.js; __test__/docs/comments.spec.ts counts what is missing.
 */
import path from 'node:path';
import { Node, Project, SyntaxKind, ts } from 'ts-morph';
import { root } from '../support/program.js';

/** The doors of the package, and the declarations of each. */
export const doors = {
  whippet: 'index',
  'whippet/install': 'drop-in/install',
  'whippet/undici': 'drop-in/undici',
  'whippet/axios': 'drop-in/axios',
  'whippet/got': 'drop-in/got',
  'whippet/smithy': 'drop-in/smithy',
};

/**
 * @typedef {object} Item an exported declaration, or a member of one
 * @property {string} name
 * @property {string} kind `class`, `interface`, `type`, `function`, `const`, `enum`; of members `property`, `method`, `constructor`
 * @property {string} signature as TypeScript writes it, without its comment
 * @property {boolean} isOptional
 * @property {boolean} isStatic
 * @property {string} comment the text of the comment, without its tags; empty where there is none
 * @property {Record<string, string[]>} tags
 * @property {Item[]} members
 * @property {string} file of its declaration, from src/
 * @property {string | null} base of a class or an interface
 */

/** @returns {Map<string, Item[]>} door → what it exports, by name */
export function readModel() {
  const project = new Project({
    compilerOptions: {
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      target: ts.ScriptTarget.ES2022,
      types: ['node'],
      typeRoots: [path.join(root, 'node_modules/@types')],
      skipLibCheck: true,
    },
  });
  const model = new Map();
  for (const [door, file] of Object.entries(doors)) {
    const source = project.addSourceFileAtPath(path.join(root, `dist/${file}.d.ts`));
    const items = [];
    for (const [name, declarations] of source.getExportedDeclarations()) {
      const ours = declarations.filter((one) => one.getSourceFile().getFilePath().startsWith(path.join(root, 'dist')));
      if (ours.length > 0)
        items.push(Node.isSourceFile(ours[0]) ? toNamespace(name, ours[0], source) : toItem(name, ours));
    }
    model.set(
      door,
      items.sort((a, b) => compare(a.name, b.name)),
    );
  }
  return model;
}

function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

const kinds = new Map([
  [SyntaxKind.ClassDeclaration, 'class'],
  [SyntaxKind.InterfaceDeclaration, 'interface'],
  [SyntaxKind.TypeAliasDeclaration, 'type'],
  [SyntaxKind.FunctionDeclaration, 'function'],
  [SyntaxKind.VariableDeclaration, 'const'],
  [SyntaxKind.EnumDeclaration, 'enum'],
]);

/** `export * as errors`: its comment stands above the export. */
function toNamespace(name, file, source) {
  const statement = source.getExportDeclarations().find((one) => one.getNamespaceExport()?.getName() === name);
  const comment = statement?.getLeadingCommentRanges().at(-1)?.getText() ?? '';
  const text = comment
    .replace(/^\/\*\*|\*\/$/g, '')
    .replace(/^\s*\* ?/gm, '')
    .trim();
  const [, body, since] = /^(.*?)\s*(?:@since (\S+))?$/s.exec(text);
  const members = [...file.getExportedDeclarations()].map(([member, declarations]) => ({
    ...toItem(member, declarations),
    members: [],
    kind: 'property',
  }));
  const tags = since === undefined ? {} : { since: [since] };
  return {
    name,
    kind: 'namespace',
    signature: '',
    isOptional: false,
    isStatic: false,
    comment: body,
    tags,
    members,
    file: '',
    base: null,
  };
}

function toItem(name, declarations) {
  const [first] = declarations;
  const kind = kinds.get(first.getKind());
  if (kind === undefined) throw new Error(`${name}: ${first.getKindName()} is a kind of export that is not known here`);
  const described = kind === 'const' ? first.getVariableStatementOrThrow() : first;
  const all = kind === 'function' ? declarations : [described];
  return {
    name,
    kind,
    signature: signatureOf(kind, described, declarations),
    isOptional: false,
    isStatic: false,
    ...commentOf(all),
    members: membersOf(name, declarations),
    file: path
      .relative(path.join(root, 'dist'), first.getSourceFile().getFilePath())
      .replaceAll(path.sep, '/')
      .replace(/\.d\.ts$/, '.ts'),
    base: baseOf(first),
  };
}

function baseOf(node) {
  if (Node.isClassDeclaration(node)) {
    const base = node.getExtends()?.getText() ?? null;
    // A constant of the file's own has no name that a reader could look up.
    return base !== null && node.getSourceFile().getVariableDeclaration(base) !== undefined ? null : base;
  }
  if (Node.isInterfaceDeclaration(node))
    return (
      node
        .getExtends()
        .map((one) => one.getText())
        .join(', ') || null
    );
  return null;
}

function signatureOf(kind, described, declarations) {
  if (kind === 'class' || kind === 'interface' || kind === 'enum') return '';
  const nodes = kind === 'function' ? declarations : [described];
  return nodes
    .map((node) =>
      bare(node)
        .replace(/^export /, '')
        .replace(/^declare /, ''),
    )
    .join('\n');
}

/** The text of a declaration, with neither its comments nor those inside it. */
function bare(node) {
  const comments = node.getDescendantsOfKind(SyntaxKind.JSDoc);
  const start = node.getStart();
  const text = node.getText();
  return comments
    .filter((one) => one.getStart() >= start)
    .sort((a, b) => b.getStart() - a.getStart())
    .reduce(
      (now, one) => now.slice(0, one.getStart() - start) + now.slice(one.getEnd() - start).replace(/^\s*\n?\s*/, ''),
      text,
    )
    .replace(/\s+$/gm, '');
}

function membersOf(name, declarations) {
  const groups = new Map();
  if (isOptions(name)) return optionsOf(declarations[0]);
  for (const declaration of declarations) {
    for (const node of memberNodes(declaration)) {
      const name = memberName(node);
      if (name === null) continue;
      const isStatic = Node.isStaticable(node) && node.isStatic();
      const key = `${isStatic ? 'static ' : ''}${name}`;
      groups.set(key, [...(groups.get(key) ?? []), node]);
    }
  }
  return [...groups.values()].map(toMember);
}

function toMember(nodes) {
  const [node] = nodes;
  return {
    name: memberName(node),
    kind: memberKind(node),
    signature: nodes.map(bare).join('\n'),
    isOptional: Node.isQuestionTokenable(node) && node.hasQuestionToken(),
    isStatic: Node.isStaticable(node) && node.isStatic(),
    ...commentOf(nodes),
    members: [],
    file: '',
    base: null,
  };
}

/** Whether it is what a caller fills in: each of its members that may be left out has a default. */
export function isOptions(name) {
  return /(?:Options|Limits|Policy|Kinds|Parts|Init_?|Config|Components|Scope)$/.test(name) && name !== 'TimeoutConfig';
}

/** All that may stand in options, what they take over from others included; of several declarations the one with the comment. */
function optionsOf(declaration) {
  return declaration
    .getType()
    .getProperties()
    .flatMap((symbol) => {
      const nodes = symbol
        .getDeclarations()
        .filter((one) => one.getSourceFile().getFilePath().startsWith(path.join(root, 'dist')));
      const node = nodes.find((one) => one.getJsDocs?.().length > 0) ?? nodes[0];
      return node === undefined || memberName(node) === null ? [] : [toMember([node])];
    });
}

function memberNodes(declaration) {
  if (
    Node.isClassDeclaration(declaration) ||
    Node.isInterfaceDeclaration(declaration) ||
    Node.isEnumDeclaration(declaration)
  )
    return Node.isClassDeclaration(declaration)
      ? [
          ...declaration.getConstructors(),
          ...declaration.getMembers().filter((one) => !Node.isConstructorDeclaration(one)),
        ]
      : declaration.getMembers();
  if (Node.isTypeAliasDeclaration(declaration)) {
    const type = declaration.getTypeNode();
    return Node.isTypeLiteral(type) ? type.getMembers() : [];
  }
  return [];
}

/** Null where a user of the type cannot name it. */
function memberName(node) {
  if (Node.isConstructorDeclaration(node)) return 'constructor';
  if (Node.isModifierable(node) && node.hasModifier(SyntaxKind.PrivateKeyword)) return null;
  if (Node.isIndexSignatureDeclaration(node) || Node.isCallSignatureDeclaration(node)) return null;
  const name = node.getName?.() ?? null;
  return name === null || name.startsWith('#') ? null : name;
}

function memberKind(node) {
  if (Node.isConstructorDeclaration(node)) return 'constructor';
  if (Node.isMethodDeclaration(node) || Node.isMethodSignature(node)) return 'method';
  return 'property';
}

function commentOf(nodes) {
  const tags = {};
  const texts = [];
  for (const node of nodes) {
    for (const doc of node.getJsDocs?.() ?? []) {
      const text = doc.getCommentText()?.trim();
      if (text) texts.push(text);
      for (const tag of doc.getTags()) {
        const parameter = Node.isJSDocParameterTag(tag) ? `${tag.getName()} ` : '';
        (tags[tag.getTagName()] ??= []).push(
          `${parameter}${tag.getCommentText()?.trim() ?? ''}`.replace(/^(\S+) - /, '$1 '),
        );
      }
    }
  }
  return { comment: [...new Set(texts)].join('\n\n'), tags };
}

/** `--completion`: scripts for bash, zsh and fish, from the table of options. */

import { OPTIONS, type Option } from './option-table.js';

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'];

/** @param shell One that the option allows. */
export function completionScript(shell: string): string {
  return shell === 'bash' ? bash() : shell === 'zsh' ? zsh() : fish();
}

function bash(): string {
  const paths = OPTIONS.filter(({ isPath }) => isPath).flatMap(spellings);
  const others = OPTIONS.filter(
    ({ value, isPath, choices }) => value !== undefined && !isPath && choices === undefined,
  );
  const cases = OPTIONS.flatMap((option) =>
    option.choices === undefined
      ? []
      : [
          `    ${spellings(option).join('|')}) COMPREPLY=($(compgen -W '${option.choices.join(' ')}' -- "$word")); return ;;`,
        ],
  );
  return `# bash completion for whippet: eval "$(whippet --completion bash)"
_whippet() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  case "$before" in
${cases.join('\n')}
    ${paths.join('|')}) COMPREPLY=($(compgen -f -- "$word")); return ;;
    ${others.flatMap(spellings).join('|')}) return ;;
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W '${OPTIONS.map(({ name }) => `--${name}`).join(' ')}' -- "$word")) ;;
    *) if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W '${METHODS.join(' ')}' -- "$word")); fi ;;
  esac
}
complete -o default -F _whippet whippet
`;
}

function zsh(): string {
  const specs = OPTIONS.map((option) => {
    const { name, short, value, repeats, choices, isPath } = option;
    const action =
      value === undefined
        ? ''
        : `:${escaped(value)}:${choices === undefined ? (isPath ? '_files' : ' ') : `(${choices.join(' ')})`}`;
    const equals = value === undefined ? '' : '=';
    const text = `[${escaped(describe(option))}]${action}`;
    const star = repeats ? '*' : '';
    if (short === undefined) return `    '${star}--${name}${equals}${text}'`;
    const both = repeats
      ? `{'*-${short}${value === undefined ? '' : '+'}','*--${name}${equals}'}`
      : `'(-${short} --${name})'{-${short}${value === undefined ? '' : '+'},--${name}${equals}}`;
    return `    ${both}'${text}'`;
  });
  return `#compdef whippet
# zsh completion for whippet: eval "$(whippet --completion zsh)", after compinit
_whippet() {
  _arguments -s -S \\
${specs.map((spec) => `${spec} \\`).join('\n')}
    '1:method or URL:(${METHODS.join(' ')})' \\
    '*:item:_files'
}
if [ "$funcstack[1]" = _whippet ]; then _whippet "$@"; else compdef _whippet whippet; fi
`;
}

function fish(): string {
  const lines = OPTIONS.map((option) => {
    const { name, short, value, choices, isPath } = option;
    const parts = ['complete -c whippet', `-l ${name}`];
    if (short !== undefined) parts.push(`-s ${short}`);
    if (value !== undefined)
      parts.push(isPath ? '-r -F' : choices === undefined ? '-x' : `-x -a '${choices.join(' ')}'`);
    parts.push(`-d '${describe(option).replace(/[\\']/g, '\\$&')}'`);
    return parts.join(' ');
  });
  return `# fish completion for whippet: whippet --completion fish | source
${lines.join('\n')}
complete -c whippet -n '__fish_is_first_arg' -a '${METHODS.join(' ')}'
`;
}

function spellings({ name, short }: Option): string[] {
  return short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
}

/** Those without a line of their own say what their name says. */
function describe({ name, help }: Option): string {
  return help === '' ? name.replaceAll('-', ' ') : help;
}

/** Within a spec of `_arguments`, within single quotes. */
function escaped(text: string): string {
  return text.replace(/[[\]:\\]/g, '\\$&').replaceAll("'", "'\\''");
}

/** Whether output is coloured; and which characters a terminal never gets from a server. */
import test from 'ava';
import { wantsColor } from '../../src/cli/colors.js';
import { headerText, visible, visibleLine } from '../../src/cli/visible-text.js';

const rows: [
  option: string | undefined,
  environment: Record<string, string>,
  isTerminal: boolean,
  expected: boolean,
][] = [
  [undefined, {}, true, true],
  [undefined, {}, false, false],
  ['auto', {}, true, true],
  ['never', { FORCE_COLOR: '1' }, true, false],
  ['always', { NO_COLOR: '1', TERM: 'dumb' }, false, true],
  [undefined, { NO_COLOR: '1' }, true, false],
  [undefined, { NO_COLOR: '' }, true, true],
  [undefined, { NO_COLOR: '0' }, true, false],
  [undefined, { NO_COLOR: '1', FORCE_COLOR: '1' }, true, false],
  [undefined, { NO_COLOR: '', FORCE_COLOR: '1' }, false, true],
  [undefined, { FORCE_COLOR: '1' }, false, true],
  [undefined, { FORCE_COLOR: '0' }, true, false],
  [undefined, { FORCE_COLOR: 'false' }, true, false],
  [undefined, { FORCE_COLOR: '' }, true, true],
  [undefined, { FORCE_COLOR: '3', TERM: 'dumb' }, false, true],
  [undefined, { TERM: 'dumb' }, true, false],
  [undefined, { TERM: 'xterm' }, true, true],
];
for (const [option, environment, isTerminal, expected] of rows) {
  test(`color ${option ?? ''} ${JSON.stringify(environment)} ${isTerminal ? 'on a terminal' : 'in a pipe'}: ${expected ? 'yes' : 'no'}`, (t) => {
    t.is(wantsColor(option, environment, isTerminal), expected);
  });
}

test('every C0 but LF and TAB, DEL and C1 is shown, not sent', (t) => {
  for (let code = 0; code < 0xa0; code++) {
    const char = String.fromCharCode(code);
    const isControl = code < 0x20 || code >= 0x7f;
    const shown = visible(`a${char}b`);
    t.is(shown === `a${char}b`, !isControl || char === '\n' || char === '\t', `U+${code.toString(16)}`);
    t.notRegex(visibleLine(`a${char}b`), /[\x00-\x08\x0a-\x1f\x7f-\x9f]/);
  }
  t.is(visible('\x1b[2J\x9b1m\x7f\r'), '\\x1b[2J\\x9b1m\\x7f\\r');
  t.is(visible('one\r\ntwo'), 'one\ntwo');
  t.is(visible('a\u202egpj.exe'), 'a\\u202egpj.exe');
  t.is(visible('grüße 🎉'), 'grüße 🎉');
});

test('a header’s bytes are read as UTF-8 where they are, and its C1 is a control either way', (t) => {
  t.is(headerText('Gr\u00c3\u00bc\u00c3\u009fe'), 'Grüße');
  t.is(headerText('caf\u00e9'), 'café');
  t.is(visibleLine(headerText('\u009b2J')), '\\x9b2J');
  t.is(visibleLine(headerText('\u00c2\u009b2J')), '\\x9b2J');
});

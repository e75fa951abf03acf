/**
 * What a page's program calls between its statements (page-program.ts): it compares what the page claims with what is. The failures
 * are printed as one line of JSON on stderr, and the exit code is 1.
 */
import { format, inspect } from 'node:util';

// Modules are found from the repository's root, where the program began; its files are in a folder of its own.
process.chdir(process.env.DOCS_FOLDER);

let block = 0;
let text = '';
let mark = 0;
const failures = [];

console.log = (...args) => void (text += `${format(...args)}\n`);
console.info = console.log;

const fail = (line, message) => failures.push({ line, message });

/** Whether the text is the pattern, in which `…` stands for anything. */
const matches = (actual, expected) => {
  const parts = expected.split('…').map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('[^]*')}$`).test(actual);
};

const compare = (line, expected, actual) => {
  if (!matches(actual, expected.trim())) fail(line, `=> ${expected.trim()}\nis ${actual}`);
};

export const $docs = {
  begin(line) {
    block = line;
    text = '';
  },
  /** The end of a block, with the output that stands below it. */
  end(expected) {
    if (expected !== null && !matches(text.trim(), expected.trim())) fail(block, `the output is\n${text.trim()}`);
  },
  value(line, expected, value) {
    compare(line, expected, inspect(value, { breakLength: Infinity, depth: 5 }));
  },
  listen() {
    mark = text.length;
  },
  printed(line, expected) {
    compare(line, expected, text.slice(mark).trim());
  },
  missing(line, expected) {
    fail(line, `throws nothing, and not ${expected}`);
  },
  threw(line, expected, error) {
    const shown = `${error.name}: ${error.message}`;
    if (!matches(shown, expected) && !matches(error.name, expected)) fail(line, `throws ${shown}`);
  },
  done: () => end(),
};

function end() {
  if (failures.length > 0) process.stderr.write(`${JSON.stringify(failures)}\n`);
  process.exit(failures.length > 0 ? 1 : 0);
}

for (const event of ['uncaughtException', 'unhandledRejection'])
  process.on(event, (error) => {
    fail(block, `fails in the block here: ${inspect(error)}`);
    end();
  });
process.on('exit', (code) => {
  // The program ended without having come to its end: an await that nothing fulfils.
  if (code === 13) process.stderr.write(`${JSON.stringify([{ line: block, message: 'waits for ever' }])}\n`);
});

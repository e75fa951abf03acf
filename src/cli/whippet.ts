/** The program `whippet`: `bin` of the package. */

import { main } from './command.js';

void main(process.argv.slice(2)).then((exitCode) => {
  // stdin may still be open, and what is written must be out.
  process.exitCode = exitCode;
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
});

/** The program `whippet`: `bin` of the package. */

import { main } from './command.js';
import { EXIT } from './exit-code.js';

void main(process.argv.slice(2)).then((exitCode) => {
  // stdin may still be open, and what is written must be out; an interrupted command does not wait for its reader.
  process.exitCode = exitCode;
  if (exitCode > EXIT.signals) process.exit(exitCode);
  process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
});

/**
 * One contender at one work, in a process of its own: `node worker.js '{"contender":…,"work":…,…}'`.
 *
 * Prints one JSON line: the work's figures, or `{"error":…}`. The row's fields (see `rows.js`), `url`, `ms`, `warmUp`
 * and `caFile` come in the argument.
 */
import { readFileSync, writeSync } from 'node:fs';

const job = JSON.parse(process.argv[2]);
let figures;
try {
  const contender = await import(`./contenders/${job.contender}.js`);
  const { measure } = await import(`./works/${job.work}.js`);
  const ca = job.caFile && readFileSync(job.caFile, 'utf8');
  figures = await measure(contender, { ...job, ca });
} catch (error) {
  figures = { error: `${error?.stack ?? error}${error?.cause ? `\n  cause: ${error.cause}` : ''}` };
}
writeSync(1, `${JSON.stringify(figures)}\n`);
// Not by falling off the end: how a contender closes its connections is not what is measured here.
process.exit(figures.error === undefined ? 0 : 1);

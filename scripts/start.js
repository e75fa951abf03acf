/** `npm start`: sets up what is missing, then takes the tour. `npm start -- https://host/path …` takes it to these URLs. */
import { setup } from './setup.js';
import { asProgram } from './support/program.js';

await asProgram(async () => {
  await setup();
  const { tour } = await import('../examples/tour.js');
  process.exitCode = await tour(process.argv.slice(2));
});

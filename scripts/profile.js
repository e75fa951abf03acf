/**
 * `npm run build:profile`: makes the profile by which `npm run build:native` then optimises the addon. Takes as long as a build from
 * nothing.
 *
 *   node scripts/profile.js               anew
 *   node scripts/profile.js --if-missing  unless there is one; what hinders it is said, and is no failure
 */
import path from 'node:path';
import { asProgram, execute, say, SetupError } from './support/program.js';
import { hostTarget, makeProfile, profileOf } from './support/profile.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const LIBRARIES = { win32: 'whippet_node.dll', darwin: 'libwhippet_node.dylib' };
const LIBRARY = LIBRARIES[process.platform] ?? 'libwhippet_node.so';

await asProgram(async () => {
  const isOptional = process.argv.includes('--if-missing');
  try {
    if (findCargo() === null) cargoMissing();
    const target = hostTarget();
    if (isOptional && profileOf(target) !== null) return;
    await makeProfile(target, (environment) => {
      // The target is named, as it is when the profile is used: functions are known by names that depend on that.
      const args = ['build', '--release', '--locked', '--package', 'whippet-node', '--target', target];
      execute('cargo', args, { ...cargoEnvironment(), ...environment });
      return path.join(environment.CARGO_TARGET_DIR, target, 'release', LIBRARY);
    });
  } catch (error) {
    if (!isOptional || !(error instanceof SetupError)) throw error;
    say(`${error.message}. The addon is built without a profile`);
  }
});

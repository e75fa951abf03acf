/**
 * `npm run check:platforms`: `cargo check` of our Rust for the systems whose binaries cannot be linked here: macOS and Windows by
 * Microsoft's tools, on both processors. What it finds is a type, a call or a `cfg` that is wrong there. The C of the dependencies needs
 * those systems' own headers and is not compiled: to check Rust takes no object files, and the compilers that it is given make empty ones.
 * `-- aarch64-apple-darwin` checks some of them.
 */
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asProgram, execute, root, say, seconds, SetupError } from './support/program.js';
import { cargoEnvironment, cargoMissing, findCargo } from './support/tools.js';

const FOLDER = path.join(root, 'target/platforms/compilers');

/** Those that are published and are not Linux's. */
const TARGETS = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).napi.targets.filter(
  (target) => !target.includes('linux'),
);

/** Makes what it is asked to make, empty; asked what it is by the text of a macro's value, it is clang. */
const COMPILER = `#!/bin/sh
while [ $# -gt 0 ]; do
  case $1 in
    -E) echo clang ;;
    -o | /Fo | -Fo) : > "$2"; shift ;;
    -Fo* | /Fo*) : > "\${1#?Fo}" ;;
  esac
  shift
done
`;

const ARCHIVER = `#!/bin/sh
for argument; do
  case $argument in
    -out:* | /out:* | -OUT:* | /OUT:*) : > "\${argument#?????}" ;;
    *.a | *.lib) : > "$argument" ;;
  esac
done
`;

await asProgram(() => {
  if (findCargo() === null) cargoMissing();
  const asked = process.argv.slice(2);
  const unknown = asked.find((target) => !TARGETS.includes(target));
  if (unknown !== undefined) throw new SetupError(`${unknown}: no such target, there are ${TARGETS.join(', ')}`);
  const [compiler, archiver] = [program('clang', COMPILER), program('ar', ARCHIVER)];
  for (const target of asked.length > 0 ? asked : TARGETS) {
    const began = performance.now();
    execute('rustup', ['target', 'add', target]);
    const name = target.replaceAll('-', '_');
    const environment = {
      ...cargoEnvironment(),
      [`CC_${name}`]: compiler,
      [`CXX_${name}`]: compiler,
      [`AR_${name}`]: archiver,
      // Without what only a system's own tools have: Apple's SDK, an assembler, cmake.
      SDKROOT: FOLDER,
      AWS_LC_SYS_PREBUILT_NASM: '1',
      AWS_LC_SYS_CMAKE_BUILDER: '0',
    };
    execute('cargo', ['check', '--locked', '--package', 'whippet-node', '--target', target], environment);
    say(`${target}: checked in ${seconds(performance.now() - began)}`);
  }
});

function program(name, text) {
  mkdirSync(FOLDER, { recursive: true });
  const file = path.join(FOLDER, name);
  writeFileSync(file, text);
  chmodSync(file, 0o755);
  return file;
}

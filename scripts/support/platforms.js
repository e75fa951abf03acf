/** The packages of the platforms: where they are, and what goes into each besides its binary. */
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { root } from './program.js';

/** The licences of what is in the binary. */
export const NOTICES = 'THIRD-PARTY-NOTICES.txt';

/** As napi names them: linux-x64-gnu, darwin-arm64, win32-x64-msvc. */
export const platforms = readdirSync(path.join(root, 'npm'));

export const folderOf = (platform) => path.join(root, 'npm', platform);

/** Windows as far as it can be built on Linux: by MinGW's linker and libraries. It is tried, and not published. */
export const WINDOWS = 'win32-x64-gnu';

export const binaryOf = (platform) =>
  path.join(
    platform === WINDOWS ? path.join(root, 'target/platforms') : folderOf(platform),
    `whippet.${platform}.node`,
  );

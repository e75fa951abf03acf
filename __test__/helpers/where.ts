/** Tests that not every machine can run. */
import test, { type ExecutionContext } from 'ava';

type Declare = (title: string, run: (t: ExecutionContext) => Promise<void> | void) => void;

/** `test`; where that cannot run, the same skipped, with the reason behind its title. */
export function testWhere(can: boolean, reason: string, declare: Declare = test): Declare {
  return can ? declare : (title, run) => test.skip(`${title} (${reason})`, run);
}

/** Not on Windows. */
export const onUnix: Declare = testWhere(process.platform !== 'win32', 'not on Windows');
export const onUnixSerially: Declare = testWhere(process.platform !== 'win32', 'not on Windows', test.serial);
export const onLinux: Declare = testWhere(process.platform === 'linux', 'on Linux only');

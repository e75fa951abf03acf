/**
 * A lock between processes: a file that its holder keeps fresh. A process that finds it old, or its holder dead, takes it over.
 */
import { readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const refreshEvery = 5_000;
const staleAfter = 30_000;

/**
 * Runs `work` while holding the lock; waits for another holder first, saying so once.
 *
 * @template T
 * @param {string} file
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, say, work) {
  await acquire(file, say);
  const refresh = setInterval(() => touch(file), refreshEvery);
  refresh.unref();
  const release = () => rmSync(file, { force: true });
  process.once('exit', release);
  try {
    return await work();
  } finally {
    clearInterval(refresh);
    process.off('exit', release);
    release();
  }
}

async function acquire(file, say) {
  for (let told = false; ; told = true) {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    if (isStale(file)) takeAway(file);
    else {
      if (!told) say('waiting for another setup to finish');
      await delay(200);
    }
  }
}

function isStale(file) {
  try {
    const holder = Number(readFileSync(file, 'utf8'));
    return Date.now() - statSync(file).mtimeMs > staleAfter || (holder > 0 && !isAlive(holder));
  } catch {
    return false; // Gone in the meantime: the next attempt will tell.
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** A rename succeeds for one process only, so that two waiters do not both take a stale lock for theirs. */
function takeAway(file) {
  const away = `${file}.${process.pid}`;
  try {
    renameSync(file, away);
    rmSync(away, { force: true });
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date());
  } catch {
    // Another process took the lock for abandoned (a suspended machine): the builds underneath bear it.
  }
}

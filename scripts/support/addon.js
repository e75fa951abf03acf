/** The native addon's file: its name on this machine, and whether there is one. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { root } from './program.js';

/** This machine as napi names it: linux-x64-gnu, darwin-arm64, win32-x64-msvc. */
export const platform = `${process.platform}-${process.arch}${abi()}`;

/** The file that `napi build` writes here. */
export const addon = `whippet.${platform}.node`;

/** Whether there is a binary for this machine, built here or prebuilt, where the loader looks for it. */
export function hasPrebuilt() {
  if (process.env.NAPI_RS_NATIVE_LIBRARY_PATH || existsSync(path.join(root, addon))) return true;
  try {
    createRequire(path.join(root, 'package.json')).resolve(`@whippet-http/binding-${platform}`);
    return true;
  } catch {
    return false;
  }
}

function abi() {
  if (process.platform === 'win32') return '-msvc';
  if (process.platform !== 'linux') return '';
  process.report.excludeNetwork = true; // Reading the interfaces can take seconds.
  return process.report.getReport().header.glibcVersionRuntime ? '-gnu' : '-musl';
}

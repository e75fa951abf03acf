/**
 * The addon: the only file that imports its loader. It is loaded with the first request that needs it, so that a program without a
 * binary can go by another dispatch. What its calls mean is `dispatch/network/engine.ts`'s business (requests) and
 * `response/decoding.ts`'s (content codings of bodies that are in this process already).
 */

import load from '../binding.cjs';

export type {
  Decoder,
  Engine,
  ErrorKind,
  FileHandle,
  FileHash,
  PoolHandle,
  PoolOptions,
  ProfileOptions,
  ProxyHandle,
  ProxyHandleOptions,
  RecordKind,
  RecordVersion,
  SendFlag,
  TlsOptions,
} from '../binding.js';

// Not `ReturnType<typeof load>`: a default import of CommonJS in the declarations would take `esModuleInterop`.
// oxlint-disable-next-line typescript/consistent-type-imports
type Addon = typeof import('../binding.js', { with: { 'resolution-mode': 'import' } });

let loaded: Addon | null = null;

/**
 * What the addon exports.
 * @throws Error, code ERR_ADDON_NOT_LOADED, that says what was looked for and what helps
 */
export function addon(): Addon {
  return (loaded ??= load());
}

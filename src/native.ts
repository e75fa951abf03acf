/**
 * The addon: the only file that imports it. What its calls mean is `dispatch/network/engine.ts`'s business (requests) and
 * `response/decoding.ts`'s (content codings of bodies that are in this process already).
 */

export { Decoder, Engine, ProxyHandle } from '../binding.js';
export type { ErrorKind, PoolHandle, PoolOptions, ProfileOptions, ProxyHandleOptions, TlsOptions } from '../binding.js';

/**
 * In the builds for browsers and Workers: what a module of Node has and the platform has not. Importing it is free; a call, or an
 * instance, is an error that names it. Nothing is an instance of it.
 */

/** @param name `node:fs readFileSync` */
export function absent(name: string): never {
  function missing(): never {
    throw Object.assign(new Error(`${name}: this platform has none`), { code: 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' });
  }
  return missing as never;
}

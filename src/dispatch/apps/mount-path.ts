/** Where an app is mounted: the part of the path that it does not see. */

import { typeName } from '../../shown-text.js';

/**
 * Without the slash at its end; '' is the root.
 * @param option For the message.
 * @throws TypeError
 */
export function toMountPath(path: string | undefined, option: string): string {
  if (path === undefined) return '';
  if (typeof path !== 'string') throw new TypeError(`${option}: expected a path, got ${typeName(path)}`);
  const trimmed = path.replace(/\/+$/, '');
  if (trimmed !== '' && !/^\/[^?#\s]*$/.test(trimmed)) {
    throw new TypeError(`${option}: expected a path that begins with '/', without query and fragment`);
  }
  return trimmed;
}

/**
 * The request-target as the app routes on it. As Express mounts: case does not matter, '/app' is no part of '/apple', and what is
 * not below the mount path passes as it is.
 */
export function belowMountPath(target: string, mountPath: string): string {
  if (mountPath === '' || !target.toLowerCase().startsWith(mountPath.toLowerCase())) return target;
  const rest = target.slice(mountPath.length);
  if (rest === '' || rest.startsWith('?')) return `/${rest}`;
  return rest.startsWith('/') ? rest : target;
}

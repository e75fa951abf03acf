/**
 * The permissions of the process: Node's `--permission` (`--allow-net` since Node 25, `--allow-fs-write`), and Deno's. What the addon
 * does is not seen by the runtime, so it is asked before. That is no sandbox, as it is none for any addon: `--allow-addons` trusts
 * them.
 */

interface Permission {
  has(scope: string, reference?: string): boolean;
}

interface DenoLike {
  permissions?: { querySync?(what: { name: 'net'; host?: string }): { state: string } };
}

const { permission } = process as { permission?: Permission };
/** Older ones know no such scope, and say no to what they do not know. */
const asksForNet = permission !== undefined && process.allowedNodeEnvironmentFlags.has('--allow-net');
const { permissions } = (globalThis as { Deno?: DenoLike }).Deno ?? {};

/**
 * Whether a connection may be made; null where nothing has to be asked. Asked for each request, as permissions can be dropped.
 * @param host `host[:port]`, which Deno grants one by one; null for a socket of another kind.
 */
export const mayConnect: ((host: string | null) => boolean) | null = asksForNet
  ? () => (permission as Permission).has('net')
  : typeof permissions?.querySync === 'function'
    ? (host) => permissions.querySync?.(host === null ? { name: 'net' } : { name: 'net', host }).state === 'granted'
    : null;

/** Whether a file may be written, by its absolute path. */
export function mayWrite(path: string): boolean {
  return permission === undefined || permission.has('fs.write', path);
}

/** As Node's own error of the kind. */
export function accessDenied(kind: 'Net' | 'FileSystemWrite', resource: string): Error {
  const flag = kind === 'Net' ? '--allow-net' : '--allow-fs-write';
  const message = `Access to this API has been restricted. Use ${flag} to manage permissions.`;
  return Object.assign(new Error(message), { code: ACCESS_DENIED, permission: kind, resource });
}

export const ACCESS_DENIED = 'ERR_ACCESS_DENIED';

/**
 * The servers that whippet has to get along with, each set up for one test: on free ports, in a temporary folder.
 *
 * All answer `/small`, `/large` and, where they have trailers, `/trailers`; `/digest` says what it received, or the upload
 * is sent back. caddy has the files themselves in `/files/`. What is asked of them is in `../peers.spec.ts`.
 */
import type { ExecutionContext } from 'ava';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { host } from '../../__test__/helpers/listen.js';
import type { HttpServer } from '../../__test__/helpers/server.js';
import { documentRoot } from './content.js';
import { haproxyConfig, nginxConfig } from './configurations.js';
import { find, freePorts, peerFolder, start, type Program } from './program.js';
import { serveUpstream } from './upstream.js';

/** A way to ask: `h2c` is HTTP/2 by prior knowledge. */
export type Way = 'HTTP/1.1' | 'HTTP/2' | 'h2c';

/** A peer that runs. */
export interface Running {
  readonly https: string;
  readonly http: string;
  readonly program: Program;
  readonly place: Place;
  /** What it asks, where it is a proxy. */
  readonly upstream: HttpServer | undefined;
}

/** Where it listens, what it asks, and its folder. */
export interface Place {
  readonly dir: string;
  readonly https: number;
  readonly http: number;
  readonly upstream: number;
}

export interface Peer {
  readonly name: string;
  /** Over TLS, and `h2c` without. */
  readonly ways: readonly Way[];
  readonly hasTrailers: boolean;
  /** It sends uploads back, instead of saying what they were. */
  readonly echoes?: boolean;
  start(t: ExecutionContext): Promise<Running>;
}

/** A peer that takes a new configuration without losing anybody. */
export interface Reloadable extends Peer {
  /** Asks it to; its responses say `generation` soon. */
  reload(t: ExecutionContext, running: Running, generation: number): Promise<Running>;
}

/** Whether it can be asked here. */
export function isInstalled(peer: Pick<Peer, 'name'>): boolean {
  return find(peer.name) !== null;
}

export const nginx: Reloadable = {
  name: 'nginx',
  ways: ['HTTP/1.1', 'HTTP/2', 'h2c'],
  hasTrailers: true,
  start: (t) =>
    started(t, 'nginx', true, (place) => {
      const file = writeConfiguration(nginxConfig, place, 0);
      return ['-p', place.dir, '-c', file, '-e', path.join(place.dir, 'error.log')];
    }),
  async reload(_, running, generation) {
    writeConfiguration(nginxConfig, running.place, generation);
    // What `nginx -s reload` does.
    running.program.signal('SIGHUP');
    return running;
  },
};

/** nginx that ends each connection after so many requests. */
export function startBriefNginx(t: ExecutionContext, keepaliveRequests: number): Promise<Running> {
  return started(t, 'nginx', true, (place) => {
    const file = writeConfiguration((configured) => nginxConfig(configured, keepaliveRequests), place, 0);
    return ['-p', place.dir, '-c', file, '-e', path.join(place.dir, 'error.log')];
  });
}

export const haproxy: Reloadable = {
  name: 'haproxy',
  ways: ['HTTP/1.1', 'HTTP/2', 'h2c'],
  hasTrailers: true,
  start: (t) => started(t, 'haproxy', true, (place) => ['-db', '-f', writeConfiguration(haproxyConfig, place, 0)]),
  async reload(t, running, generation) {
    const { place, program: old } = running;
    const handOver = path.join(place.dir, `stats-${generation - 1}`);
    const file = writeConfiguration(haproxyConfig, place, generation);
    // The new process gets the sockets of the old one, which it asks to finish what it has begun. Without a master: that
    // one does not hear of a reload while it is busy with another.
    const args = ['-db', '-f', file, '-x', handOver, '-sf', String(old.pid)];
    const program = await start(t, find('haproxy')!, args, place.https);
    await Promise.race([old.ended, program.ended]);
    return { ...running, program };
  },
};

const nghttpx: Peer = {
  name: 'nghttpx',
  ways: ['HTTP/1.1', 'HTTP/2', 'h2c'],
  hasTrailers: true,
  start: (t) =>
    started(t, 'nghttpx', true, ({ dir, https, http, upstream }) => [
      `--frontend=${host},${https}`,
      `--frontend=${host},${http};no-tls`,
      `--backend=${host},${upstream}`,
      '--conf=/dev/null',
      '--no-ocsp',
      '--workers=1',
      '--single-process',
      path.join(dir, 'key.pem'),
      path.join(dir, 'cert.pem'),
    ]),
};

const nghttpd: Peer = {
  name: 'nghttpd',
  ways: ['HTTP/2'],
  hasTrailers: true,
  echoes: true,
  start: (t) =>
    started(t, 'nghttpd', false, ({ dir, https }) => [
      `--address=${host}`,
      `--htdocs=${documentRoot()}`,
      '--echo-upload',
      '--trailer=x-checksum: abc',
      '--padding=200',
      String(https),
      path.join(dir, 'key.pem'),
      path.join(dir, 'cert.pem'),
    ]),
};

const caddy: Peer = {
  name: 'caddy',
  ways: ['HTTP/1.1', 'HTTP/2', 'h2c'],
  hasTrailers: true,
  start: (t) =>
    started(t, 'caddy', true, ({ dir, https, http, upstream }) => {
      const text = `
{
  admin off
  auto_https off
  servers {
    protocols h1 h2 h2c
  }
}
https://${host}:${https} {
  bind ${host}
  tls ${dir}/cert.pem ${dir}/key.pem
  handle_path /files/* {
    root * ${documentRoot()}
    file_server
  }
  reverse_proxy ${host}:${upstream}
}
http://${host}:${http} {
  bind ${host}
  handle_path /files/* {
    root * ${documentRoot()}
    file_server
  }
  reverse_proxy ${host}:${upstream}
}
`;
      writeFileSync(path.join(dir, 'Caddyfile'), text);
      return ['run', '--adapter', 'caddyfile', '--config', path.join(dir, 'Caddyfile')];
    }),
};

const h2o: Peer = {
  name: 'h2o',
  ways: ['HTTP/1.1', 'HTTP/2', 'h2c'],
  // 2.2 does not pass them on.
  hasTrailers: false,
  start: (t) =>
    started(t, 'h2o', true, ({ dir, https, http, upstream }) => {
      const text = `
num-threads: 1
error-log: ${dir}/error.log
listen: { host: ${host}, port: ${http} }
hosts:
  default:
    listen:
      host: ${host}
      port: ${https}
      ssl: { certificate-file: ${dir}/cert.pem, key-file: ${dir}/key.pem, minimum-version: TLSv1.2 }
    paths:
      /:
        proxy.reverse.url: http://${host}:${upstream}/
`;
      writeFileSync(path.join(dir, 'h2o.conf'), text);
      return ['-c', path.join(dir, 'h2o.conf')];
    }),
};

export const peers: readonly Peer[] = [nginx, haproxy, nghttpx, nghttpd, caddy, h2o];

function writeConfiguration(
  text: (place: Place & { generation: number }) => string,
  place: Place,
  generation: number,
): string {
  const file = path.join(place.dir, 'configuration');
  writeFileSync(file, text({ ...place, generation }));
  return file;
}

/** `configure` writes what the program reads, and says its arguments. */
async function started(
  t: ExecutionContext,
  name: string,
  isProxy: boolean,
  configure: (place: Place) => string[],
): Promise<Running> {
  const command = find(name);
  if (command === null) throw new Error(`${name} is not installed`);
  const upstream = isProxy ? await serveUpstream(t) : undefined;
  const dir = await peerFolder(t);
  const [https, http] = (await freePorts(2)) as [number, number];
  const place = { dir, https, http, upstream: upstream?.port ?? 0 };
  const ports = isProxy ? [https, http] : [https];
  const program = await start(t, command, configure(place), ...ports);
  return { https: `https://${host}:${https}`, http: `http://${host}:${http}`, program, place, upstream };
}

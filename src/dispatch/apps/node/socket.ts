/**
 * The socket that a Node app sees: a real `net.Socket` without a connection, whose writes go to the exchange. What they mean is
 * `exchange.ts`'s business.
 */

import type { ServerResponse } from 'node:http';
import { isIPv6, Socket } from 'node:net';
import { bare } from '../../../bare.js';

/** The addresses of both ends of the connection, as the app sees them. */
export interface Ends {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly isTls: boolean;
}

/** What the socket tells. */
export interface SocketOwner {
  readonly res: ServerResponse;
  /** Whether a writer should wait. */
  readonly isFull: boolean;
  /** As `socket.write`; false when the writer should wait. */
  written(data: string | Uint8Array, encoding: BufferEncoding | undefined, callback?: () => void): boolean;
  /** The app reads the request's body: more of it may come. */
  wanted(): void;
  destroyed(error: Error | null): void;
  /** No activity for as long as the app said by setTimeout. */
  timedOut(): void;
}

/** The socket of one exchange. */
export interface AppSocket extends Socket {
  /** As a TLS socket's: Express's `req.secure` and others look at it. */
  readonly encrypted: boolean;
  /** Activity: a timeout that the app has set counts anew. */
  touch(): void;
}

/** @param owner Told what the app does with it. */
export function openSocket(owner: SocketOwner, ends: Ends): AppSocket {
  return new (AppSocketClass ??= defineAppSocket())(owner, ends);
}

let AppSocketClass: ReturnType<typeof defineAppSocket> | undefined;

/** With the first app: an import of whippet does not load `node:net` for it. */
function defineAppSocket(): new (owner: SocketOwner, ends: Ends) => AppSocket {
  class AppSocket extends Socket {
    readonly encrypted: boolean;
    #owner: SocketOwner;
    readonly ends: Ends;

    constructor(owner: SocketOwner, ends: Ends) {
      super();
      this.#owner = owner;
      this.ends = ends;
      this.encrypted = ends.isTls;
      // As Node's server has one: an app that destroys its socket with an error ends no process.
      this.on('error', ignore);
    }

    override write(data: string | Uint8Array, encoding?: unknown, callback?: unknown): boolean {
      const done = typeof encoding === 'function' ? encoding : callback;
      this.touch();
      const coding = typeof encoding === 'string' ? (encoding as BufferEncoding) : undefined;
      return this.#owner.written(data, coding, typeof done === 'function' ? (done as () => void) : undefined);
    }

    /**
     * Not nothing while a writer should wait: Node 26 emits a response's 'drain' by itself as soon as its socket has nothing left.
     */
    // @ts-expect-error: TypeScript sees a property, and it is an accessor in Node, too.
    override get writableLength(): number {
      return this.#owner.isFull ? 1 : 0;
    }

    /** Activity: a timeout that the app has set counts anew. */
    touch(): void {
      if (this.timeout) this.setTimeout(this.timeout);
    }

    override end(...args: unknown[]): this {
      const [data, encoding] = args;
      if (typeof data === 'string' || data instanceof Uint8Array) this.write(data, encoding);
      this.destroySoon();
      return this;
    }

    override destroySoon(): void {
      this.destroy();
    }

    override resume(): this {
      this.#owner.wanted();
      return this;
    }

    override pause(): this {
      return this;
    }

    override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
      this.#owner.destroyed(error);
      super._destroy(error, callback);
    }

    /** By Node's own timer; what follows is its server's doing otherwise. */
    _onTimeout(): void {
      this.emit('timeout');
      this.#owner.timedOut();
    }

    override address(): { address: string; family: string; port: number } {
      return { address: LOCAL_ADDRESS, family: 'IPv4', port: this.ends.localPort };
    }
  }

  // On the prototype, as Node has them; its types call them fields, which a subclass may not override by accessors.
  const accessors: Record<string, (this: AppSocket) => string | number> = {
    remoteAddress() {
      return this.ends.remoteAddress;
    },
    remotePort() {
      return this.ends.remotePort;
    },
    remoteFamily() {
      return isIPv6(this.ends.remoteAddress) ? 'IPv6' : 'IPv4';
    },
    localAddress: () => LOCAL_ADDRESS,
    localPort() {
      return this.ends.localPort;
    },
    localFamily: () => 'IPv4',
  };
  for (const [name, get] of Object.entries(accessors)) {
    Object.defineProperty(AppSocket.prototype, name, bare({ get, configurable: true }));
  }

  return AppSocket;
}

const LOCAL_ADDRESS = '127.0.0.1';

function ignore(): void {}

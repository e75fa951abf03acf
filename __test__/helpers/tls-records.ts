/**
 * A TLS server that says what no TLS library says. Node's does the handshake and has the keys; each of its records is opened here, and
 * sealed again as the test wants it, between others that the test makes.
 */
import type { ExecutionContext } from 'ava';
import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { createServer, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { createSecureContext, type SecureContextOptions, TLSSocket } from 'node:tls';
import { listen, type Listening } from './listen.js';
import { ConnectionEnded, RawConnection } from './raw-server.js';

/** RFC 8446 section 5.1. */
export const CHANGE_CIPHER_SPEC = 20;
export const ALERT = 21;
export const HANDSHAKE = 22;
export const DATA = 23;

/** RFC 8446 section 4, RFC 5246 section 7.4. */
export const HELLO_REQUEST = 0;
export const SERVER_HELLO = 2;
export const NEW_SESSION_TICKET = 4;
export const ENCRYPTED_EXTENSIONS = 8;
export const CERTIFICATE = 11;
export const KEY_UPDATE = 24;

/** One record: what it is, and what it holds. */
export interface TlsRecord {
  readonly type: number;
  readonly content: Buffer;
}

export interface RecordServerOptions extends SecureContextOptions {
  ALPNProtocols?: string[];
  /** What is sent in the place of a record of Node's; `undefined` is that record itself. */
  rewrite?(record: TlsRecord, connection: TlsConnection): readonly TlsRecord[] | undefined;
}

/** Starts a server for this test; `script` is called for each complete handshake. An error that it throws fails the test when it ends. */
export async function serveRecords(
  t: ExecutionContext,
  script: (connection: TlsConnection) => unknown,
  { rewrite, ALPNProtocols, ...options }: RecordServerOptions,
): Promise<Listening> {
  const errors: unknown[] = [];
  // One cipher: its key and its hash are known.
  const ciphers = 'TLS_AES_128_GCM_SHA256:ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256';
  const secureContext = createSecureContext({ ciphers, ...options });
  const server = createServer((socket) => {
    socket.setNoDelay(true);
    const wire = new Wire(socket, (record) => rewrite?.(record, connection));
    const secure = new TLSSocket(wire as unknown as Socket, { isServer: true, secureContext, ALPNProtocols });
    const connection = new TlsConnection(secure, wire);
    secure.on('keylog', (line: Buffer) => wire.learn(line.toString('latin1')));
    secure.once('secure', () => {
      new Promise((resolve) => resolve(script(connection))).catch((error: unknown) => {
        if (error instanceof ConnectionEnded) return;
        errors.push(error);
        socket.destroy();
      });
    });
  });
  return listen(t, server, 'https', errors);
}

/** A connection that says whole records besides. What is read and written as bytes goes by way of Node. */
export class TlsConnection extends RawConnection {
  readonly #wire: Wire;

  constructor(secure: TLSSocket, wire: Wire) {
    super(secure, () => {});
    this.#wire = wire;
  }

  /** Sends records, sealed with the keys of the moment. Resolves when the operating system has them. */
  async send(...records: TlsRecord[]): Promise<void> {
    await this.sendBytes(Buffer.concat(records.map((record) => this.#wire.seal(record))));
  }

  /** Sends KeyUpdates (RFC 8446 section 4.6.3), each sealed with the keys of the one before it. */
  async updateKeys(count: number, isRequest: boolean): Promise<void> {
    const record = { type: HANDSHAKE, content: message(KEY_UPDATE, Buffer.from([isRequest ? 1 : 0])) };
    const sealed = Array.from({ length: count }, () => {
      const bytes = this.#wire.seal(record);
      this.#wire.updateKeys();
      return bytes;
    });
    await this.sendBytes(Buffer.concat(sealed));
  }

  /** Sends bytes of TCP. */
  async sendBytes(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#wire.socket.write(bytes, (error) => (error ? reject(new ConnectionEnded(error.message)) : resolve()));
    });
  }

  /** Sends what these calls send in one piece, so far as that is up to this side. */
  async together(calls: () => unknown[]): Promise<void> {
    this.#wire.socket.cork();
    const sent = calls();
    this.#wire.socket.uncork();
    await Promise.all(sent);
  }

  /** Ends TCP (FIN), without a word in TLS. */
  cut(): void {
    this.#wire.socket.end();
  }

  /** Sends a record, and ends TCP behind it. */
  cutAfter(record: TlsRecord): void {
    this.#wire.socket.end(this.#wire.seal(record));
  }

  override reset(): void {
    this.#wire.socket.resetAndDestroy();
  }
}

/** A handshake message: its type, its length, and the rest. */
export function message(type: number, content: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(type * 0x1000000 + content.length);
  return Buffer.concat([head, content]);
}

/** An alert: 1 is a warning, 2 is fatal. */
export function alert(level: 1 | 2, description: number): TlsRecord {
  return { type: ALERT, content: Buffer.from([level, description]) };
}

/** Application data. */
export function data(text: string): TlsRecord {
  return { type: DATA, content: Buffer.from(text, 'latin1') };
}

/** NewSessionTicket (RFC 8446 section 4.6.1) with a ticket of so many bytes, good for an hour. */
export function ticket(length: number): TlsRecord[] {
  const content = Buffer.alloc(4 + 4 + 1 + 1 + 2 + length + 2, 0x5a);
  content.writeUInt32BE(3600);
  content.writeUInt8(1, 8);
  content.writeUInt16BE(length, 10);
  content.writeUInt16BE(0, content.length - 2);
  return cut({ type: HANDSHAKE, content: message(NEW_SESSION_TICKET, content) }, 16_384);
}

/** The same content in records of at most so many bytes. */
export function cut({ type, content }: TlsRecord, length: number): TlsRecord[] {
  return Array.from({ length: Math.ceil(content.length / length) }, (_, i) => {
    return { type, content: content.subarray(i * length, (i + 1) * length) };
  });
}

/** The messages of a handshake record that holds whole ones. */
export function messagesOf(content: Buffer): { type: number; content: Buffer }[] {
  const found = [];
  for (let at = 0; at + 4 <= content.length;) {
    const end = at + 4 + content.readUIntBE(at + 1, 3);
    found.push({ type: content[at]!, content: content.subarray(at + 4, end) });
    at = end;
  }
  return found;
}

const FINISHED = 20;
const OF_DATA = 'SERVER_TRAFFIC_SECRET_0';

/** TCP below Node's TLS. */
class Wire extends Duplex {
  readonly socket: Socket;
  readonly #rewrite: (record: TlsRecord) => readonly TlsRecord[] | undefined;
  #unsent: Buffer = Buffer.alloc(0);
  #serverRandom: Buffer | undefined;
  /** By the names in a key log. */
  readonly #secrets = new Map<string, Buffer>();
  #opening: Keys | undefined;
  #sealing: Keys | undefined;

  constructor(socket: Socket, rewrite: (record: TlsRecord) => readonly TlsRecord[] | undefined) {
    super();
    this.socket = socket;
    this.#rewrite = rewrite;
    socket.on('data', (chunk) => this.push(chunk));
    socket.on('end', () => this.push(null));
    socket.on('close', () => this.destroy());
  }

  learn(line: string): void {
    const [name = '', clientRandom = '', secret = ''] = line.trim().split(' ');
    this.#secrets.set(name, Buffer.from(secret, 'hex'));
    if (name === 'CLIENT_RANDOM') this.#secrets.set('random', Buffer.from(clientRandom, 'hex'));
  }

  seal({ type, content }: TlsRecord): Buffer {
    return this.#sealing === undefined ? framed(type, content) : this.#sealing.seal(type, content);
  }

  updateKeys(): void {
    if (this.#sealing instanceof Keys13) this.#sealing = this.#sealing.next();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: string, done: (error?: Error | null) => void): void {
    this.#unsent = Buffer.concat([this.#unsent, chunk]);
    const out: Buffer[] = [];
    while (this.#unsent.length >= 5 && this.#unsent.length >= 5 + this.#unsent.readUInt16BE(3)) {
      const end = 5 + this.#unsent.readUInt16BE(3);
      out.push(...this.#through(this.#unsent.subarray(0, end)));
      this.#unsent = this.#unsent.subarray(end);
    }
    if (this.socket.destroyed) return done();
    this.socket.write(Buffer.concat(out), () => done());
  }

  override _final(done: () => void): void {
    this.socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.socket.destroy();
    done(error);
  }

  /** A record of Node's, as it is sent. */
  #through(bytes: Buffer): Buffer[] {
    const record = this.#open(bytes);
    if (record.type === HANDSHAKE && this.#opening === undefined && record.content[0] === SERVER_HELLO) {
      this.#serverRandom = record.content.subarray(6, 38);
    }
    const sent = (this.#rewrite(record) ?? [record]).map((one) => this.seal(one));
    // What follows has other keys, also where the test says it before Node does.
    if (record.type === HANDSHAKE && record.content[0] === FINISHED && this.#secrets.has(OF_DATA)) {
      this.#sealing = this.#keys13(OF_DATA);
    }
    // TLS 1.2: what follows is sealed.
    if (record.type === CHANGE_CIPHER_SPEC && this.#secrets.has('CLIENT_RANDOM')) {
      const make = (): Keys => this.#keys12();
      [this.#opening, this.#sealing] = [make(), make()];
    }
    return sent;
  }

  #open(bytes: Buffer): TlsRecord {
    const plain = { type: bytes[0]!, content: bytes.subarray(5) };
    if (this.#opening === undefined && plain.type !== DATA) return plain;
    if (plain.type === CHANGE_CIPHER_SPEC) return plain;
    if (this.#opening === undefined) {
      const make = (): Keys => this.#keys13('SERVER_HANDSHAKE_TRAFFIC_SECRET');
      [this.#opening, this.#sealing] = [make(), make()];
    }
    const opened = this.#opening.open(bytes);
    if (opened !== undefined) return opened;
    // The handshake is over on this side.
    this.#opening = this.#keys13(OF_DATA);
    return this.#opening.open(bytes)!;
  }

  #keys13(name: string): Keys {
    return new Keys13(this.#secrets.get(name)!);
  }

  /** RFC 5246 section 6.3, RFC 5288 section 3. */
  #keys12(): Keys {
    const seed = Buffer.concat([Buffer.from('key expansion'), this.#serverRandom!, this.#secrets.get('random')!]);
    const block = expandTls12(this.#secrets.get('CLIENT_RANDOM')!, seed, 40);
    return new Keys12(block.subarray(16, 32), block.subarray(36, 40));
  }
}

/** What seals records in one direction, or opens what was sealed so. */
abstract class Keys {
  protected count = 0n;
  protected abstract readonly key: Buffer;

  abstract seal(type: number, content: Buffer): Buffer;
  /** `undefined`: it was sealed with others. */
  abstract open(record: Buffer): TlsRecord | undefined;

  protected encrypt(nonce: Buffer, head: Buffer, plain: Buffer): Buffer {
    const cipher = createCipheriv('aes-128-gcm', this.key, nonce).setAAD(head);
    return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  }

  protected decrypt(nonce: Buffer, head: Buffer, sealed: Buffer): Buffer | undefined {
    const decipher = createDecipheriv('aes-128-gcm', this.key, nonce, { authTagLength: 16 }).setAAD(head);
    decipher.setAuthTag(sealed.subarray(-16));
    try {
      return Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
    } catch {
      return undefined;
    }
  }

  protected number(): Buffer {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(this.count++);
    return bytes;
  }
}

/** RFC 8446 sections 5.2, 5.3 and 7.3. */
class Keys13 extends Keys {
  protected readonly key: Buffer;
  readonly #secret: Buffer;
  readonly #iv: Buffer;

  constructor(secret: Buffer) {
    super();
    this.#secret = secret;
    this.key = expand(secret, 'key', 16);
    this.#iv = expand(secret, 'iv', 12);
  }

  next(): Keys13 {
    return new Keys13(expand(this.#secret, 'traffic upd', 32));
  }

  seal(type: number, content: Buffer): Buffer {
    const head = headOf(DATA, content.length + 17);
    return Buffer.concat([head, this.encrypt(this.#nonce(), head, Buffer.concat([content, Buffer.from([type])]))]);
  }

  open(record: Buffer): TlsRecord | undefined {
    const plain = this.decrypt(this.#nonce(), record.subarray(0, 5), record.subarray(5));
    if (plain === undefined) return undefined;
    let end = plain.length - 1;
    while (plain[end] === 0) end -= 1;
    return { type: plain[end]!, content: plain.subarray(0, end) };
  }

  #nonce(): Buffer {
    const nonce = Buffer.from(this.#iv);
    this.number().forEach((byte, i) => (nonce[4 + i]! ^= byte));
    return nonce;
  }
}

/** RFC 5288. */
class Keys12 extends Keys {
  protected readonly key: Buffer;
  readonly #salt: Buffer;

  constructor(key: Buffer, salt: Buffer) {
    super();
    this.key = key;
    this.#salt = salt;
  }

  seal(type: number, content: Buffer): Buffer {
    const explicit = this.number();
    const head = Buffer.concat([explicit, headOf(type, content.length)]);
    const sealed = this.encrypt(Buffer.concat([this.#salt, explicit]), head, content);
    return framed(type, Buffer.concat([explicit, sealed]));
  }

  open(record: Buffer): TlsRecord | undefined {
    const type = record[0]!;
    const explicit = record.subarray(5, 13);
    const head = Buffer.concat([this.number(), headOf(type, record.length - 5 - 8 - 16)]);
    const content = this.decrypt(Buffer.concat([this.#salt, explicit]), head, record.subarray(13));
    return content && { type, content };
  }
}

function headOf(type: number, length: number): Buffer {
  return Buffer.from([type, 3, 3, length >> 8, length & 0xff]);
}

function framed(type: number, content: Buffer): Buffer {
  return Buffer.concat([headOf(type, content.length), content]);
}

/** HKDF-Expand-Label without a context, of one block: RFC 8446 section 7.1. */
function expand(secret: Buffer, label: string, length: number): Buffer {
  const name = Buffer.from(`tls13 ${label}`);
  const info = Buffer.concat([Buffer.from([0, length, name.length]), name, Buffer.from([0, 1])]);
  return createHmac('sha256', secret).update(info).digest().subarray(0, length);
}

/** The PRF of TLS 1.2: RFC 5246 section 5. */
function expandTls12(secret: Buffer, seed: Buffer, length: number): Buffer {
  const hmac = (...parts: Buffer[]): Buffer => createHmac('sha256', secret).update(Buffer.concat(parts)).digest();
  const blocks: Buffer[] = [];
  for (let a = hmac(seed); blocks.length * 32 < length; a = hmac(a)) blocks.push(hmac(a, seed));
  return Buffer.concat(blocks).subarray(0, length);
}

/**
 * Downloads that are cut at a byte, or killed at a moment, and go on: the file has its name only when it is whole, and never bytes of
 * two contents. `npm run soak:downloads` has every byte and hundreds of kills, downloads.spec.ts a share.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client } from '../../src/index.js';
import { packageUrl, withArgs } from '../helpers/child.js';
import { bytesOf, namesIn, sha256 } from '../helpers/files.js';
import { randomOf } from '../helpers/random.js';

/** Of the content that is cut. */
export const CUT_SIZE = 64 * 1024;

/** Cut at each of the points, the connection ended in order, and resumed. @returns What was not as it has to be. */
export async function cutAndResume(points: Iterable<number>, atOnce = 4): Promise<string[]> {
  const content = bytesOf(CUT_SIZE);
  const expected = sha256(content);
  const broken: string[] = [];
  const seen = new Set<number>();
  const folder = mkdtempSync(path.join(tmpdir(), 'whippet-cuts-'));
  const server = await listening((socket, head) => {
    const point = Number(/^GET \/(\d+)/.exec(head)?.[1]);
    const from = rangeOf(head);
    // The second request is the one with a range, or the one behind a cut that left nothing.
    const isSecond = from !== null || seen.has(point);
    seen.add(point);
    socket.write(headOf(content.length, from, '"one"'));
    socket.end(content.subarray(from ?? 0, isSecond ? undefined : point));
  });
  const client = new Client({ trustEnv: false });
  const rest = points[Symbol.iterator]();
  const work = async (): Promise<void> => {
    for (const point of { [Symbol.iterator]: () => rest }) {
      const file = path.join(folder, String(point));
      const url = `${server.origin}/${point}`;
      const first = await client.download(url, file, { resume: true }).then(
        () => null,
        (error: unknown) => error,
      );
      if (first === null && point < CUT_SIZE) broken.push(`${point}: a part was taken for the whole`);
      if (first !== null && statSync(`${file}.part`).size !== point) broken.push(`${point}: the part has another size`);
      const { resumedFrom } = await client.download(url, file, { resume: true });
      if (point < CUT_SIZE && resumedFrom !== point) broken.push(`${point}: resumed from ${resumedFrom}`);
      if (sha256(readFileSync(file)) !== expected) broken.push(`${point}: another content`);
      if (existsSync(`${file}.part`) || existsSync(`${file}.part.json`))
        broken.push(`${point}: something is left over`);
      rmSync(file);
    }
  };
  try {
    await Promise.all(Array.from({ length: atOnce }, work));
  } finally {
    await client.close();
    server.close();
    rmSync(folder, { recursive: true });
  }
  return broken;
}

export interface Kills {
  /** What was not as it has to be. */
  broken: string[];
  killed: number;
  /** Downloads that went on from a part. */
  resumed: number;
  completed: number;
}

/**
 * A program of its own downloads and is killed (SIGKILL) at a random byte, or just after the last one, over and over; in each seventh
 * round the server has another content.
 */
export async function killAndResume(rounds: number, seed: number, tell?: (round: number) => void): Promise<Kills> {
  const random = randomOf(seed);
  const contents = [bytesOf(700_000, 1), bytesOf(650_000, 2)];
  const hashes = contents.map(sha256);
  const figures: Kills = { broken: [], killed: 0, resumed: 0, completed: 0 };
  const folder = mkdtempSync(path.join(tmpdir(), 'whippet-kills-'));
  const file = path.join(folder, 'file.bin');
  let version = 0;
  /** Called with the bytes that were sent in this round. */
  let sent: (bytes: number) => void = () => {};
  const server = await listening((socket, head) => {
    const content = contents[version];
    const isSame = head.toLowerCase().includes(`if-range: "${version}"`);
    const from = isSame ? rangeOf(head) : null;
    if (from !== null) figures.resumed++;
    socket.write(headOf(content.length, from, `"${version}"`));
    void dribble(socket, content.subarray(from ?? 0), random, (bytes) => sent(bytes));
  });
  try {
    for (let round = 1; round <= rounds; round++) {
      if (round % 7 === 0) version = 1 - version;
      const isLast = round === rounds;
      const left = contents[version].length - (existsSync(`${file}.part`) ? statSync(`${file}.part`).size : 0);
      const moment = Math.floor(random() * (Math.max(left, 0) + 1));
      const child = spawn(process.execPath, ['--input-type=module', '-e', program(server.origin, file)], {
        stdio: 'ignore',
        env: { PATH: process.env.PATH },
      });
      const ended = once(child, 'exit');
      sent = (bytes) => {
        if (isLast || bytes < moment) return;
        sent = () => {};
        setTimeout(() => child.kill('SIGKILL'), random() * 20);
      };
      const [code, signal] = (await ended) as [number | null, string | null];
      if (signal === 'SIGKILL') figures.killed++;
      else if (code !== 0) figures.broken.push(`round ${round}: exit code ${code}`);
      if (existsSync(file)) {
        figures.completed++;
        if (sha256(readFileSync(file)) !== hashes[version]) figures.broken.push(`round ${round}: another content`);
        rmSync(file);
      } else if (isLast) figures.broken.push('the last round has no file');
      tell?.(round);
    }
    const left = namesIn(folder);
    if (left.length > 0) figures.broken.push(`left over: ${left.join(', ')}`);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
  return figures;
}

function program(origin: string, file: string): string {
  const code = `
    const client = new whippet.Client({ trustEnv: false });
    await client.download(args.url, args.file, { resume: true });
    await client.close();`;
  return `import * as whippet from ${JSON.stringify(packageUrl)};\n${withArgs(code, { url: `${origin}/file`, file })}`;
}

/** In pieces of any size, with time between them: the kernel's buffers would take it all before the program has read any of it. */
async function dribble(
  socket: Socket,
  bytes: Buffer,
  random: () => number,
  tell: (sent: number) => void,
): Promise<void> {
  let at = 0;
  tell(0);
  while (at < bytes.length && !socket.destroyed) {
    const end = Math.min(bytes.length, at + 1 + Math.floor(random() * 30_000));
    socket.write(bytes.subarray(at, end));
    await new Promise((resolve) => setTimeout(resolve, random() * 4));
    at = end;
    tell(at);
  }
  socket.end();
}

interface Listening {
  readonly origin: string;
  close(): void;
}

/** One request for each connection. */
async function listening(answer: (socket: Socket, head: string) => void): Promise<Listening> {
  const server: Server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (head: Buffer) => answer(socket, head.toString('latin1')));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}

function rangeOf(head: string): number | null {
  const range = /^range: bytes=(\d+)-/im.exec(head);
  return range === null ? null : Number(range[1]);
}

function headOf(length: number, from: number | null, etag: string): string {
  const range = from === null ? '' : `Content-Range: bytes ${from}-${length - 1}/${length}\r\n`;
  const status = from === null ? '200 OK' : '206 Partial Content';
  const own = `Content-Length: ${length - (from ?? 0)}\r\nETag: ${etag}\r\nConnection: close\r\n`;
  return `HTTP/1.1 ${status}\r\n${own}${range}\r\n`;
}

/**
 * A panic of the core is a fault of ours and an error of the call that it was in: the process lives and the next call works. Run by
 * `npm run test:panics`, with an addon that panics where it is told to.
 */
import path from 'node:path';
import { endsWith, start } from '../helpers/child.js';
import { folderOf } from '../helpers/files.js';
import { serve } from '../helpers/server.js';
import { testWhere } from '../helpers/where.js';

const CALLS: Record<string, string> = {
  get: `client.get(args.url)`,
  stream: `client.stream('GET', args.url).then((response) => response.read())`,
  chunks: `client.stream('GET', args.url).then(async (response) => { for await (const _ of response); })`,
  post: `client.post(args.url, { content: (async function* () { yield 'a'; yield 'b'; })() })`,
  download: `client.download(args.url, args.file)`,
  close: `new whippet.Client().close()`,
};

/** [where it panics, in which call, whether its error is an InternalError or has the panic's message alone; null: there is none] */
const POINTS: [point: string, call: keyof typeof CALLS, isInternal: boolean | null][] = [
  ['send', 'get', true],
  ['command send', 'get', true],
  ['drive', 'get', true],
  ['buffer', 'get', true],
  ['command read', 'stream', true],
  ['command write', 'post', true],
  ['command end', 'post', true],
  ['read', 'chunks', false],
  ['command close_pool', 'close', null],
  ['command file', 'download', true],
  ['write', 'post', false],
];

const isBuilt = process.env.WHIPPET_ASAN_ADDON?.includes('panics') ?? false;

for (const [point, call, isInternal] of POINTS) {
  testWhere(isBuilt, 'npm run test:panics builds the addon for it')(`a panic at '${point}' in ${call}`, async (t) => {
    const server = await serve(t, (request, response) => {
      request.resume().on('end', () => response.end('ok'));
    });
    const program = `
      const client = new whippet.Client();
      await client.get(args.url);
      process.env.WHIPPET_PANIC_AT = args.point;
      const error = await ${CALLS[call]}.then(() => null, (error) => error);
      delete process.env.WHIPPET_PANIC_AT;
      const { text } = await client.get(args.url);
      const { active, queued } = client.pool;
      await client.close();
      console.log(error?.name, error?.code, error instanceof Error, text, active, queued);`;
    const { code, signal, stdout } = await start(t, program, {
      url: server.url,
      point,
      file: path.join(folderOf(t), 'file'),
    }).ended;
    t.deepEqual([code, signal], [0, null]);
    if (isInternal === null) t.is(stdout, 'undefined undefined false ok 0 0\n');
    else t.regex(stdout, isInternal ? /^InternalError ERR_INTERNAL true ok 0 0\n$/ : / true ok 0 0\n$/);
  });
}

// The way of those that are not built so: nothing of it is in the addon.
testWhere(!isBuilt, 'this addon panics where it is told to')(
  'the addon does not panic where it is told to',
  async (t) => {
    const server = await serve(t, (_, response) => response.end('ok'));
    const program = `process.env.WHIPPET_PANIC_AT = 'send'; console.log((await whippet.get(args.url)).text);`;
    t.is(endsWith(t, await start(t, program, { url: server.url }).ended), 'ok\n');
  },
);

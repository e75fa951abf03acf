/** Bad usage: exit code 2, the option by its name, what is allowed, the nearest known one, and where help is. Nothing is sent. */
import test from 'ava';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { runCommand } from '../helpers/command.js';
import { folderOf } from '../helpers/files.js';

const rows: [args: string[], message: RegExp][] = [
  [[], /the URL is missing/],
  [['GET'], /the URL is missing after GET/],
  [['ftp://127.0.0.1'], /URL: 'ftp' is not supported/],
  [['http://127.0.0.1:2', '--metod', 'PUT'], /--metod: no such option\ndid you mean --method\?/],
  [['http://127.0.0.1:2', '--hedaer=x'], /did you mean --header\?/],
  [['http://127.0.0.1:2', '--insecure'], /did you mean --no-verify\?/],
  [['http://127.0.0.1:2', '--location'], /did you mean --follow\?/],
  [['http://127.0.0.1:2', '--zzzzzzzz'], /--zzzzzzzz: no such option\nwhippet --help/],
  [['http://127.0.0.1:2', '-Z'], /-Z: no such option/],
  [['http://127.0.0.1:2', '--timeout'], /--timeout: its value \(SECONDS\) is missing/],
  [['http://127.0.0.1:2', '-o', '--fail'], /-o: its value \(FILE\) is missing before --fail/],
  [['http://127.0.0.1:2', '--fail=yes'], /--fail: takes no value, got 'yes'/],
  [['http://127.0.0.1:2', '-t', 'soon'], /--timeout: 'soon' is not allowed, expected seconds/],
  [['http://127.0.0.1:2', '-t', '-1'], /--timeout: '-1' is not allowed/],
  [['http://127.0.0.1:2', '--connect-timeout', '1e3'], /--connect-timeout: '1e3'/],
  [['http://127.0.0.1:2', '--read-timeout', '99999999'], /--read-timeout: '99999999'/],
  [['http://127.0.0.1:2', '--max-redirects', '1.5'], /--max-redirects: '1.5' is not allowed, expected a whole number/],
  [['http://127.0.0.1:2', '--retry', '-1'], /--retry: '-1'/],
  [['http://127.0.0.1:2', '--http', '3'], /--http: '3' is not allowed, expected one of 1.1, 2/],
  [
    ['http://127.0.0.1:2', '--auth-type', 'ntlm', '-u', 'a:b'],
    /--auth-type: 'ntlm' is not allowed, expected one of basic/,
  ],
  [['http://127.0.0.1:2', '--auth-type', 'digest'], /--auth-type: only with --auth/],
  [['http://127.0.0.1:2', '--color', 'maybe'], /--color: 'maybe'/],
  [['http://127.0.0.1:2', '--style', 'neon'], /--style: 'neon'/],
  [['http://127.0.0.1:2', '--print', 'HX'], /--print: 'HX' is not allowed/],
  [['http://127.0.0.1:2', '-j', '{'], /--json: '\{' is no JSON/],
  [['http://127.0.0.1:2', 'a:=x'], /ITEM 'a': 'x' is no JSON/],
  [['http://127.0.0.1:2', 'plain'], /ITEM: 'plain' is none/],
  [['http://127.0.0.1:2', '-j', '1', 'a=1'], /--json: not together with body items/],
  [['http://127.0.0.1:2', '-j', '1', '-d', '1'], /--json and --data exclude each other/],
  [['http://127.0.0.1:2', '--follow', '--no-follow'], /--follow and --no-follow exclude each other/],
  [['http://127.0.0.1:2', '-d', '@missing'], /--data: cannot read 'missing': ENOENT/],
  [['http://127.0.0.1:2', '-d', '@folder'], /--data: 'folder' is a directory/],
  [['http://127.0.0.1:2', 'f@missing'], /ITEM: cannot read 'missing': ENOENT/],
  [['http://127.0.0.1:2', 'a=@missing'], /ITEM: cannot read 'missing': ENOENT/],
  [['http://127.0.0.1:2', '-F', 'f=missing'], /--file: cannot read 'missing': ENOENT/],
  [['http://127.0.0.1:2', '-F', 'f'], /--file: 'f' is not allowed, expected name=path/],
  [['http://127.0.0.1:2', '--ca', 'missing'], /--ca: cannot read 'missing': ENOENT/],
  [['http://127.0.0.1:2', '--ca', 'file'], /^error: --ca: /],
  [['http://127.0.0.1:2', '--cert', 'missing'], /--cert: cannot read 'missing': ENOENT/],
  [['http://127.0.0.1:2', '--key', 'file'], /--key: only with --cert/],
  [['http://127.0.0.1:2', '--netrc', 'missing'], /--netrc: cannot read 'missing': ENOENT/],
  [['http://127.0.0.1:2', '-H', 'Bad Name: 1'], /--header: .*Bad Name/],
  [['http://127.0.0.1:2', '-H', 'X: a\nb'], /--header: .*invalid character/],
  [['http://127.0.0.1:2', '-H', 'nothing'], /--header: 'nothing' is not allowed/],
  [['http://127.0.0.1:2', 'X-A:a\rb'], /ITEM 'X-A': .*invalid character/],
  [
    ['http://127.0.0.1:2', '-H', 'Content-Length: 7', '-d', 'abc'],
    /^error: --header: Too little data .*Content-Length/,
  ],
  [['http://127.0.0.1:2', '-H', 'Content-Length: 2', 'a=b'], /^error: --header: Too much data .*Content-Length/],
  [['http://127.0.0.1:2', 'content-length:2', 'a=b'], /^error: ITEM 'content-length': Too much data/],
  [['http://127.0.0.1:2', '-H', 'Content-Length: x', '-d', 'abc'], /^error: --header: Content-Length: 'x' is not a/],
  [['http://127.0.0.1:2', '-H', 'Transfer-Encoding: gzip', '-d', 'abc'], /^error: --header: Transfer-Encoding: 'gzip'/],
  [['http://127.0.0.1:2', '-H', 'Host: a', '-H', 'host: b'], /^error: --header: More than one Host header/],
  [['http://127.0.0.1:2', 'Host:a', 'host:b'], /^error: ITEM 'Host': More than one Host header/],
  [['http:/u:secret@127.0.0.1:2/'], /^error: URL: expected http:\/\/HOST, two slashes behind the scheme\n/],
  [['HTTPS:u:secret@127.0.0.1:2'], /^error: URL: expected HTTPS:\/\/HOST/],
  [['http:'], /^error: URL: expected http:\/\/HOST/],
  [['http://127.0.0.1:2', 'http://127.0.0.1:3/'], /^error: ITEM: 'http:\/\/127.0.0.1:3\/' is a second URL, only one/],
  [
    ['GET', 'http://127.0.0.1:2', 'a:1', 'HTTPS://u:pw@h/?token=t'],
    /'HTTPS:\/\/\[secure\]@h\/\?token=\[secure\]' is a second/,
  ],
  [['a.example', 'ftp://b/'], /'ftp:\/\/b\/' is a second URL/],
  [['http://127.0.0.1:2', '--unix-socket', 's', '-x', 'p:1'], /--unix-socket and --proxy exclude each other/],
  [
    ['http://127.0.0.1:2', '--resolve', 'a=::1', '--unix-socket', 's'],
    /--unix-socket and --resolve exclude each other/,
  ],
  [['http://127.0.0.1:2', '--interface', '::1', '--unix-socket', 's'], /--unix-socket and --interface exclude each/],
  [['http://127.0.0.1:2', '-b', 'nothing'], /--cookie: 'nothing' is not allowed/],
  [['http://127.0.0.1:2', '-b', 'a=b\nc'], /--cookie: .*'a'/],
  [['http://127.0.0.1:2', '-x', 'nonsense://x'], /^error: --proxy: .*'nonsense:\/\/x'/],
  [['http://127.0.0.1:2', '-x', 'http://x:99999'], /^error: --proxy: .*'99999'/],
  [['http://127.0.0.1:2', '-x', 'all://*.a=ftp://y'], /^error: --proxy 'all:\/\/\*\.a': .*'ftp:\/\/y'/],
  [['http://127.0.0.1:2', '-x', 'odd=http://y'], /^error: --proxy: 'odd'/],
  [['http://127.0.0.1:2', '-x', ''], /--proxy: ''/],
  [['http://127.0.0.1:2', '--resolve', 'a'], /--resolve: 'a' is not allowed, expected host=address/],
  [['http://127.0.0.1:2', '--resolve', 'a=b'], /^error: --resolve 'a': .*'b'/],
  [['http://127.0.0.1:2', '--resolve', 'a b=127.0.0.1'], /^error: --resolve: .*'a b'/],
  [['http://127.0.0.1:2', '--interface', 'eth0'], /^error: --interface: .*'eth0'/],
  [['http://127.0.0.1:2', '--unix-socket', ''], /^error: --unix-socket: /],
  [['http://127.0.0.1:2', '--cert', 'file'], /^error: --cert: /],
  [['http://127.0.0.1:2', '-X', 'A'.repeat(80)], /^error: --method: /],
  [['http://127.0.0.1:2', '-j', '1', '-j', '2'], /--json: is given twice/],
  [['http://127.0.0.1:2', '-d', 'a', '-d', '@file'], /--data: '@file' is the whole body/],
  [['http://127.0.0.1:2', '-d', '-', '-d', 'a'], /--data: '-' is the whole body/],
  [['POST', 'http://127.0.0.1:2', '-I'], /--head: not together with the method POST/],
];
for (const [args, message] of rows) {
  test(`usage: ${args.slice(args[0] === 'http://127.0.0.1:2' ? 1 : 0).join(' ')}`, async (t) => {
    const folder = folderOf(t);
    mkdirSync(path.join(folder, 'folder'));
    writeFileSync(path.join(folder, 'file'), 'no certificate');
    const { code, stdout, stderr } = await runCommand(t, args, { cwd: folder });
    t.deepEqual({ code, stdout }, { code: 2, stdout: '' }, stderr);
    t.regex(stderr, message);
    t.true(stderr.startsWith('error: '));
    t.true(stderr.endsWith('whippet --help shows what there is\n'));
  });
}

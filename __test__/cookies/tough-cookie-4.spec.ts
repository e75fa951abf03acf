/** A CookieJar of tough-cookie 4: its own methods go on working behind a client (field row v18). */
import test from 'ava';
import { createRequire } from 'node:module';
import type { CookieJar } from 'tough-cookie';
import { Cookies, URL } from '../../src/index.js';
import { openClient } from '../helpers/client.js';
import { serve } from '../helpers/server.js';

const old = createRequire(import.meta.url)('tough-cookie-4') as { CookieJar: typeof CookieJar; Cookie: unknown };

test('serialised, cloned, listed and sent again', async (t) => {
  const server = await serve(t, (request, response) => {
    response.setHeader('set-cookie', ['a=1; Path=/; HttpOnly', 'b=2; Max-Age=1000']).end(request.headers.cookie);
  });
  const jar = new old.CookieJar();
  const client = openClient(t, { cookies: jar });
  await client.get(server.url);
  t.is((await client.get(server.url)).text, 'a=1; b=2');
  t.deepEqual(
    jar.serializeSync()?.cookies.map(({ key, value, path, httpOnly }) => [key, value, path, httpOnly]),
    [
      ['a', '1', '/', true],
      ['b', '2', '/', undefined],
    ],
  );
  t.is(jar.cloneSync()?.getCookieStringSync(server.url), 'a=1; b=2');
  t.is(jar.getCookieStringSync(server.url), 'a=1; b=2');
  const again = old.CookieJar.deserializeSync(JSON.stringify(jar.toJSON()));
  t.is(again.getCookieStringSync(server.url), 'a=1; b=2');
  for (const cookie of jar.getCookiesSync(server.url)) t.true(cookie instanceof (old.Cookie as new () => object));
  jar.setCookieSync('a=3', server.url);
  t.is((await client.get(server.url)).text, 'a=3; b=2');
});

test('a jar of a derived class, and cookies set by hand', (t) => {
  class Mine extends old.CookieJar {}
  const jar = new Mine();
  const cookies = new Cookies(jar);
  cookies.set('a', '1', { domain: 'example.com' });
  t.is(cookies.headerFor(new URL('http://example.com/')), 'a=1');
  t.is(jar.serializeSync()?.cookies.length, 1);
});

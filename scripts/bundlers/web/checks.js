/** What is tried in a real browser and in workerd: the API over the platform's own fetch, and what it refuses there. */
import * as whippet from 'whippet';

const { BasicAuth, Client, DigestAuth, HTTPDispatch, MockDispatch, PlatformDispatch, Response } = whippet;

/** @returns How many passed, and of each that failed its name and why. */
export async function checks(origin, platform) {
  const list =
    platform === 'browser' ? { ...common(origin), ...browser(origin) } : { ...common(origin), ...worker(origin) };
  const failed = [];
  for (const [name, check] of Object.entries(list)) {
    try {
      await check();
    } catch (error) {
      failed.push(`${name}: ${error?.stack ?? error}`);
    }
  }
  return { passed: Object.keys(list).length - failed.length, failed };
}

function is(actual, expected) {
  if (actual !== expected) throw new Error(`${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`);
}

/** What a promise is rejected with. */
async function caught(promise) {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('no error came');
}

/** What is the same in both. */
function common(origin) {
  const client = new Client({ baseUrl: origin });
  return {
    'a GET with parameters': async () => {
      const { statusCode, text } = await client.get('/echo', { params: { ä: 'ö & ü' } });
      is(statusCode, 200);
      is(JSON.parse(text).url, '/echo?%C3%A4=%C3%B6+%26+%C3%BC');
    },
    'a module function': async () => is((await whippet.get(`${origin}/echo`)).json().method, 'GET'),
    'JSON, there and back': async () => {
      const { type, body } = (await client.post('/echo', { json: { a: 'ü' } })).json();
      is(`${type} ${body}`, 'application/json {"a":"ü"}');
    },
    'a form': async () =>
      is((await client.put('/echo', { data: { a: '1', b: ['2', '3'] } })).json().body, 'a=1&b=2&b=3'),
    'multipart, with a Blob': async () => {
      const { type, body } = (await client.post('/echo', { files: { f: ['name', new Blob(['text'])] } })).json();
      is(type.split('=')[0], 'multipart/form-data; boundary');
      is(/filename="name".*\r\n\r\ntext\r\n/s.test(body), true);
    },
    'an upload by a generator': async () => {
      async function* pieces() {
        yield 'one ';
        yield new TextEncoder().encode('two');
      }
      is((await client.post('/echo', { content: pieces() })).json().body, 'one two');
    },
    'a megabyte up and down': async () => {
      is((await client.post('/echo', { content: new Uint8Array(1_000_000) })).json().length, 1_000_000);
      is((await client.get('/megabyte')).content.length, 1_000_000);
    },
    'a coded body': async () => is((await client.get('/gzip')).text, 'packed'),
    'headers, there and back': async () => {
      const response = await client.get('/echo', { headers: { 'X-One': 'first' } });
      is(response.json().one, 'first');
      is(response.headers.get('x-answer'), 'yes');
    },
    'a stream, piece by piece': async () => {
      await using response = await client.stream('GET', '/pieces');
      const pieces = [];
      for await (const piece of response.iterText()) pieces.push(piece);
      is(pieces.join(''), 'one two three');
      is(pieces.length > 1, true);
    },
    'a stream that is left': async () => {
      await using response = await client.stream('GET', '/endless');
      for await (const piece of response.iterText()) {
        is(piece.startsWith('on and on'), true);
        break;
      }
    },
    'server-sent events': async () => {
      await using source = await client.stream('GET', '/events');
      const events = [];
      for await (const { data } of source.events()) events.push(data);
      is(events.join(), 'one,two');
    },
    raiseForStatus: async () => {
      const response = await client.get('/missing');
      const error = await caught((async () => response.raiseForStatus())());
      is(`${error.name} ${error.response.statusCode}`, 'HTTPStatusError 404');
    },
    Basic: async () => {
      is((await client.get('/echo', { auth: new BasicAuth('u', 'p') })).json().authorization, 'Basic dTpw');
    },
    cookies: async () => {
      const own = new Client({ baseUrl: origin });
      await own.get('/cookie');
      is((await own.get('/echo')).json().cookie, 'a=1');
    },
    'a timeout': async () => is((await caught(client.get('/never', { timeout: 0.2 }))).name, 'ReadTimeout'),
    'a timeout over all': async () => {
      is((await caught(client.get('/never', { timeout: { total: 0.2 } }))).name, 'TotalTimeout');
    },
    'an abort': async () => {
      const controller = new AbortController();
      setTimeout(() => controller.abort(new Error('enough')), 50);
      is((await caught(client.get('/never', { signal: controller.signal }))).message, 'enough');
    },
    'nothing listens': async () => {
      is((await caught(client.get('http://127.0.0.1:1/'))) instanceof whippet.NetworkError, true);
    },
    'a hundred at once': async () => {
      const numbers = Array.from({ length: 100 }, (_, index) => index);
      const all = await Promise.all(numbers.map((n) => client.get('/echo', { params: { n } })));
      is(all.map((response) => response.json().url.slice('/echo?n='.length)).join(), numbers.join());
    },
    hooks: async () => {
      const seen = [];
      const eventHooks = { request: [() => seen.push('request')], response: [() => seen.push('response')] };
      await new Client({ baseUrl: origin, eventHooks }).get('/echo');
      is(seen.join(), 'request,response');
    },
    'an app': async () => {
      const own = new Client({ app: { fetch: () => new globalThis.Response('app') } });
      is((await own.get('http://a.test/')).text, 'app');
    },
    'a mock': async () => {
      const own = new Client({ dispatch: new MockDispatch(() => new Response(200, { json: [1] })) });
      is((await own.get('http://a.test/')).json()[0], 1);
    },
    'a fetch of its own': async () => {
      const fetch = (url) => Promise.resolve(new globalThis.Response(`fetched ${url}`));
      const own = new Client({ dispatch: new PlatformDispatch({ fetch }) });
      is((await own.get('http://a.test/x')).text, 'fetched http://a.test/x');
    },
    'the addon, which is not there': async () => {
      const own = new Client({ dispatch: new HTTPDispatch() });
      is((await caught(own.get(`${origin}/echo`))).code, 'ERR_ADDON_NOT_LOADED');
    },
    'options without effect': async () => {
      for (const options of [
        { poolLimits: { maxConnections: 1 } },
        { proxies: 'http://proxy.test' },
        { verify: false },
      ]) {
        const error = await caught((async () => new Client(options))());
        is(error.message.startsWith(`${Object.keys(options)[0]}: `), true);
      }
    },
    files: async () => {
      is((await caught(client.download('/echo', 'file'))).code, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM');
    },
    'a closed client': async () => {
      const own = new Client({ baseUrl: origin });
      await own.close();
      is((await caught(own.get('/echo'))).name, 'ClientClosed');
    },
  };
}

/** In a browser: redirects, cookies and some headers are its own. */
function browser(origin) {
  const client = new Client({ baseUrl: origin });
  return {
    'redirects are the browser’s': async () => {
      const { text, history } = await client.get('/redirect');
      is(`${text} ${history.length}`, 'there 0');
    },
    'a redirect that is not followed is hidden': async () => {
      const error = await caught(client.get('/redirect', { followRedirects: false }));
      is(/this platform hides it/.test(error.message), true);
    },
    Digest: async () => {
      // With credentials of its own, a browser asks its user at a 401, and the script waits.
      const own = new Client({ baseUrl: origin, dispatch: new PlatformDispatch({ init: { credentials: 'omit' } }) });
      is((await own.get('/digest', { auth: new DigestAuth('u', 'p') })).text, 'digest');
    },
    'a header that the browser keeps': async () => {
      const error = await caught(client.get('/echo', { headers: { cookie: 'b=2' } }));
      is(/does not send it/.test(error.message), true);
    },
  };
}

/** In a Worker: they are the client's. */
function worker(origin) {
  const client = new Client({ baseUrl: origin });
  return {
    'redirects, one by one': async () => {
      const { text, history } = await client.get('/redirect', { followRedirects: true });
      is(`${text} ${history[0].statusCode}`, 'there 302');
    },
    'a redirect that is not followed': async () => {
      is((await client.get('/redirect', { followRedirects: false })).statusCode, 302);
    },
    Digest: async () => is((await client.get('/digest', { auth: new DigestAuth('u', 'p') })).text, 'digest'),
    'a Cookie header': async () => {
      is((await client.get('/echo', { headers: { cookie: 'b=2' } })).json().cookie, 'b=2');
    },
  };
}

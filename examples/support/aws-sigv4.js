/** An auth flow of one's own: AWS Signature Version 4, over the whole request, made anew for each redirect and each retry. */
import { createHash, createHmac } from 'node:crypto';
import { Auth } from 'whippet';

export class AwsSigV4 extends Auth {
  /** The signature covers the body, so it has to be there: streams are read first. */
  requiresRequestBody = true;
  #keys;
  #scope;
  #now;

  /**
   * @param {{ accessKeyId: string, secretAccessKey: string, sessionToken?: string }} keys
   * @param {{ region: string, service: string, now?: () => Date }} scope
   */
  constructor(keys, { region, service, now = () => new Date() }) {
    super();
    this.#keys = keys;
    this.#scope = { region, service };
    this.#now = now;
  }

  async *authFlow(request) {
    this.sign(request);
    yield request;
  }

  sign({ method, url, headers, content }) {
    const { accessKeyId, secretAccessKey, sessionToken } = this.#keys;
    const { region, service } = this.#scope;
    const time = this.#now()
      .toISOString()
      .replace(/[-:]|\.\d{3}/g, '');
    const date = time.slice(0, 8);
    const contentHash = sha256(content);

    headers.set('X-Amz-Date', time);
    if (sessionToken) headers.set('X-Amz-Security-Token', sessionToken);
    if (service === 's3') headers.set('X-Amz-Content-Sha256', contentHash);

    const signed = [...headers.keys()].filter((name) => /^(host|content-type|x-amz-.*)$/.test(name)).sort();
    const canonicalRequest = [
      method,
      canonicalPath(url, service),
      canonicalQuery(url),
      ...signed.map((name) => `${name}:${headers.get(name).trim().replace(/ +/g, ' ')}`),
      '',
      signed.join(';'),
      contentHash,
    ].join('\n');

    const scope = `${date}/${region}/${service}/aws4_request`;
    const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonicalRequest)].join('\n');
    const key = [date, region, service, 'aws4_request'].reduce(hmac, `AWS4${secretAccessKey}`);
    const signature = hmac(key, toSign).toString('hex');
    headers.set(
      'Authorization',
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed.join(';')}, Signature=${signature}`,
    );
  }
}

/** S3 decodes the path and encodes it in its own way, `'()!*+` included; the other services encode what is sent once more. */
function canonicalPath(url, service) {
  const [path] = url.fullPath.split('?');
  const segment = service === 's3' ? (text) => encode(decode(text)) : encode;
  return path.split('/').map(segment).join('/');
}

/** Bytes that are no UTF-8 stay as they are. */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function canonicalQuery(url) {
  return url.params
    .multiItems()
    .map(([name, value]) => [encode(name), encode(value)])
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map((pair) => pair.join('='))
    .join('&');
}

const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
const hmac = (key, text) => createHmac('sha256', key).update(text).digest();
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');
const encode = (text) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

/** `--json-output`: the exchange as one JSON object on stdout, for programs. Secrets are masked unless they are asked for. */

import { X509Certificate } from 'node:crypto';
import type { Client } from '../client/client.js';
import type { Headers } from '../headers.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { TLSInfo } from '../response/timings.js';
import type { Arguments } from './arguments.js';
import { exitCodeOf } from './exit-code.js';
import type { ShowValue } from './message-head.js';
import type { Output } from './output.js';
import type { RequestPlan } from './request-options.js';
import { maskedSecrets, valueMask } from './secrets.js';
import { sentBody } from './sent-body.js';
import { CONTROLS, escapedInJson, headerText } from './visible-text.js';

/** The exit code. @throws what the client does, OutputClosed */
export async function writeJson(
  client: Client,
  plan: RequestPlan,
  args: Arguments,
  output: Output,
  signal: AbortSignal,
): Promise<number> {
  const response = await client.stream(plan.method, plan.url, { ...plan.options, signal });
  const isWithheld = args.has('fail') && response.isError;
  if (isWithheld) await response.close();
  else await response.read();
  const described = describe(response, isWithheld, valueMask(args), args.has('show-secrets'));
  // What JSON leaves as it is, and a terminal does not: DEL, C1, overrides of the direction.
  const text = JSON.stringify(described, null, output.isTerminal ? 2 : undefined).replace(CONTROLS, escapedInJson);
  await output.write(`${text}\n`);
  return exitCodeOf(response.statusCode);
}

function describe(
  response: Response,
  isWithheld: boolean,
  show: ShowValue,
  showsSecrets: boolean,
): Record<string, unknown> {
  const url = (text: string) => (showsSecrets ? text : maskedSecrets(text));
  const headers = headersOf(response.headers, show);
  return {
    request: requestOf(response.request, show, url),
    response: {
      status: response.statusCode,
      statusText: headerText(response.reasonPhrase),
      httpVersion: response.httpVersion,
      url: url(response.url.toString()),
      headers,
      trailers: headersOf(response.trailers, show),
    },
    headers,
    timings: { ...response.timings, elapsed: response.elapsed, total: isWithheld ? null : response.elapsedTotal },
    peer: response.peer,
    tls: tlsOf(response.tls),
    redirects: response.history.map((earlier) => ({
      status: earlier.statusCode,
      url: url(earlier.url.toString()),
      location: show('Location', headerText(earlier.headers.get('location') ?? '')),
      headers: headersOf(earlier.headers, show),
    })),
    ...(isWithheld
      ? { body: null, bodyEncoding: null }
      : bodyOf(response.content, response.headers.get('content-type') ?? '', response.encoding)),
  };
}

function requestOf(request: Request, show: ShowValue, url: (text: string) => string): Record<string, unknown> {
  const body = sentBody(request);
  const type = request.headers.get('content-type') ?? '';
  return {
    method: request.method,
    url: url(request.url.toString()),
    headers: headersOf(request.headers, show),
    ...(body === null || body.length === 0 ? { body: null, bodyEncoding: null } : bodyOf(body, type, 'utf-8')),
  };
}

/** Names in lower case; a list where one repeats. */
function headersOf(headers: Headers, show: ShowValue): Record<string, string | string[]> {
  const shown: Record<string, string | string[]> = Object.create(null) as Record<string, string>;
  for (const [name, value] of headers.raw) {
    const lower = name.toLowerCase();
    const text = show(lower, headerText(value));
    shown[lower] = lower in shown ? [shown[lower], text].flat() : text;
  }
  return shown;
}

/** JSON and text as text, the rest in base64. */
function bodyOf(body: Buffer, type: string, encoding: string): { body: string; bodyEncoding: 'text' | 'base64' } {
  const text = decoded(body, encoding);
  const isText =
    text !== null &&
    (/^\s*(?:text\/|[\w.+-]+\/(?:[\w.+-]*\+)?(?:json|xml|javascript|x-www-form-urlencoded|graphql|x-?ndjson|jsonl|yaml|toml))/i.test(
      type,
    ) ||
      (!/^\s*(?:image|audio|video|font)\/|octet-stream/i.test(type) && !text.includes('\0')));
  return isText ? { body: text, bodyEncoding: 'text' } : { body: body.toString('base64'), bodyEncoding: 'base64' };
}

/** null: it is not of that encoding, so that bytes would be lost. */
function decoded(body: Buffer, encoding: string): string | null {
  try {
    return new TextDecoder(encoding, { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return null;
  }
}

function tlsOf(tls: TLSInfo | null): Record<string, unknown> | null {
  if (tls === null) return null;
  const { version, cipher, group, alpn, certificates } = tls;
  return { version, cipher, group, alpn, certificates: certificates.map(certificateOf) };
}

function certificateOf(der: Uint8Array): Record<string, unknown> {
  try {
    const { subject, issuer, subjectAltName, validFrom, validTo, serialNumber, fingerprint256 } = new X509Certificate(
      der,
    );
    return {
      subject,
      issuer,
      subjectAltName,
      validFrom: new Date(validFrom).toISOString(),
      validTo: new Date(validTo).toISOString(),
      serialNumber,
      fingerprint256,
    };
  } catch {
    return { der: Buffer.from(der).toString('base64') };
  }
}

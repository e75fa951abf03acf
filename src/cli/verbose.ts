/** `-v`: what happens, on stderr: where connections lead, what they are secured by, both heads, and where the time went. */

import { X509Certificate } from 'node:crypto';
import type { EventHooks } from '../client/event-hooks.js';
import { HTTPError } from '../errors.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { TLSInfo } from '../response/timings.js';
import type { Arguments } from './arguments.js';
import { layOutJson } from './json-layout.js';
import { requestHead, responseHead, type ShowValue } from './message-head.js';
import type { Output } from './output.js';
import { valueMask } from './secrets.js';
import { sentBody } from './sent-body.js';
import { visible, visibleLine } from './visible-text.js';
import { waterfall } from './waterfall.js';

/** A listener to one command's exchanges. */
export class Verbose {
  #output: Output;
  #show: ShowValue;
  #showsBodies: boolean;
  #last: Response | null = null;

  constructor(args: Arguments, output: Output) {
    this.#output = output;
    this.#show = valueMask(args);
    this.#showsBodies = args.count('verbose') > 1;
  }

  /** Hooks of the client: each exchange, redirects and challenges too. */
  get hooks(): Pick<EventHooks, 'response'> {
    return { response: [(response) => this.#onResponse(response)] };
  }

  /** When the body is read, or given up. */
  finish(): void {
    if (this.#last !== null) this.#timings(this.#last.timings);
  }

  /** There was no response, or no whole one. */
  fail(error: unknown): void {
    if (!(error instanceof HTTPError)) return;
    const { request, timings, peer } = error;
    if (request !== undefined && (error as { response?: Response }).response === undefined) {
      const { host, port, scheme } = request.url;
      if (peer === null || peer === undefined)
        this.#say(`tried ${at(host, port ?? (scheme === 'https' ? 443 : 80))}: no connection`);
      else this.#say(`connected to ${at(peer.address, peer.port)} from ${at(peer.localAddress, peer.localPort)}`);
      this.#request(request, 'HTTP/1.1');
    }
    if (timings === undefined) return;
    this.#last = null;
    this.#timings(timings);
  }

  #onResponse(response: Response): void {
    this.#last = response;
    const { peer, tls, httpVersion } = response;
    if (peer !== null) {
      const state = peer.isReused ? 'reused' : 'new';
      this.#say(
        `connected to ${at(peer.address, peer.port)} from ${at(peer.localAddress, peer.localPort)}, ${state} connection`,
      );
    }
    if (tls !== null) this.#tls(tls);
    this.#say(`protocol ${httpVersion}`);
    this.#request(response.request, httpVersion);
    this.#lines('<', responseHead(response, this.#output.paintNotes, this.#show));
  }

  #request(request: Request, version: string): void {
    this.#lines('>', requestHead(request, version, this.#output.paintNotes, this.#show));
    if (!this.#showsBodies) return;
    const body = sentBody(request);
    if (body === null) this.#say('the body of the request was sent from a file or a stream');
    else if (body.includes(0)) this.#say(`the body of the request: ${body.length} bytes, binary`);
    else if (body.length > 0) {
      const text = body.toString();
      this.#lines('>', (layOutJson(text, this.#output.paintNotes, visible) ?? visible(text)).split('\n'));
    }
  }

  #tls({ version, cipher, group, alpn, certificates }: TLSInfo): void {
    this.#say([version, cipher, ...(group === null ? [] : [`group ${group}`]), `ALPN ${alpn ?? 'none'}`].join(', '));
    const [leaf] = certificates;
    if (leaf !== undefined) this.#say(`certificate: ${shownCertificate(leaf, Date.now())}`);
  }

  #timings(timings: Parameters<typeof waterfall>[0]): void {
    for (const line of waterfall(timings, this.#output.columns - 2)) this.#say(line);
  }

  #lines(mark: string, lines: readonly string[]): void {
    const { paintNotes } = this.#output;
    for (const line of [...lines, '']) this.#output.note(`${paintNotes('mark', mark)}${line === '' ? '' : ` ${line}`}`);
  }

  #say(text: string): void {
    this.#output.note(`${this.#output.paintNotes('mark', '*')} ${visibleLine(text)}`);
  }
}

function at(address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** `subject CN=example.org; issuer CN=An Authority, O=…; 42 days left` */
export function shownCertificate(der: Uint8Array, now: number): string {
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(der);
  } catch {
    return 'not readable';
  }
  const name = (text: string) => (text === '' ? '(none)' : text.split('\n').join(', '));
  const days = Math.floor((Date.parse(certificate.validTo) - now) / 86_400_000);
  const validity = days < 0 ? `expired ${-days} days ago` : `${days} days left`;
  return `subject ${name(certificate.subject)}; issuer ${name(certificate.issuer)}; ${validity}`;
}

/** One call that makes connections before the requests that need them, on JavaScript's side of the binding: its promise and its signal. */

import { codeOf } from '../../connect/lookup.js';
import type { ErrorDetails } from '../../errors.js';
import { errorByKind } from '../../errors.js';
import { requestFailure } from '../../request-failure.js';
import { AT_PROXY } from './record.js';
import { alsoSecret } from '../../request-secrets.js';
import type { Request } from '../../request/request.js';
import { Response } from '../../response/response.js';
import { listen, reasonOf } from '../shared-abort-listener.js';
import { courseOf } from './connection-facts.js';
import type { ErrorKind } from '../../native.js';
import type { ArrivedHead } from './arrived-head.js';
import type { ConnectionListener, Thrown } from './listeners.js';
import * as native from './engine.js';
import type { ProxyHop } from './proxy-hop.js';

export class Preconnecting implements ConnectionListener {
  #id = -1;
  #isOver = false;
  /** What errors show. */
  #request: Request;
  #hop: ProxyHop | null;
  #refusal: Response | null = null;
  #resolve: () => void;
  #reject: (reason: unknown) => void;
  #unlisten: (() => void) | null = null;

  constructor(request: Request, hop: ProxyHop | null, resolve: () => void, reject: (reason: unknown) => void) {
    this.#request = request;
    this.#hop = hop;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(profile: number, count: number, signal: AbortSignal | null | undefined): void {
    this.#id = native.preconnect(this, profile, this.#request.url.origin, count);
    if (signal === undefined || signal === null) return;
    try {
      const unlisten = listen(signal, () => this.cancel(reasonOf(signal)));
      if (this.#isOver) unlisten();
      else this.#unlisten = unlisten;
    } catch (error) {
      // A signal may be of the user's own making.
      this.cancel(error);
    }
  }

  /** Gives up what is not there yet. Idempotent. */
  cancel(reason: unknown): void {
    if (this.#isOver) return;
    native.cancel(this.#id);
    this.#fail(reason);
  }

  onReady(): void {
    if (this.#isOver) return;
    this.#finish();
    this.#resolve();
  }

  onRefusal(head: ArrivedHead): void {
    this.#refusal = new Response(head.statusCode, undefined, head, this.#hop?.connectRequest(this.#request.url));
  }

  onError(
    kind: ErrorKind,
    code: string | undefined,
    message: string,
    facts: number,
    course: string,
    thrown?: Thrown,
  ): void {
    if (this.#isOver) return;
    const details: ErrorDetails = { code, request: this.#refusal?.request ?? this.#request };
    Object.assign(details, courseOf(course));
    if (this.#refusal !== null) details.response = this.#refusal;
    if (thrown !== undefined) {
      details.cause = thrown.reason;
      details.code = codeOf(thrown.reason) ?? code;
    }
    if ((facts & AT_PROXY) !== 0 && this.#hop !== null) details.proxy = String(this.#hop.proxy);
    if (this.#hop !== null) alsoSecret(this.#request, this.#hop.proxy);
    this.#fail(requestFailure(errorByKind[kind], message, details, this.#request));
  }

  #fail(reason: unknown): void {
    this.#finish();
    this.#reject(reason);
  }

  #finish(): void {
    this.#isOver = true;
    native.unhold();
    const unlisten = this.#unlisten;
    this.#unlisten = null;
    try {
      unlisten?.();
    } catch {
      // As above; the call has ended.
    }
  }
}

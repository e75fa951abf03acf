/** A function in the place of a server, for tests. Whole apps are those of `fetch-dispatch.ts` and `node-dispatch.ts`. */

import { RemoteProtocolError } from '../../errors.js';
import { typeName } from '../../shown-text.js';
import { requestFailure } from '../../request-failure.js';
import { defineInspect } from '../../inspect.js';
import { StreamBody } from '../../request/body.js';
import type { Request } from '../../request/request.js';
import { Response } from '../../response/response.js';
import { AppExchange } from './exchange.js';
import type { Dispatch, DispatchOptions } from '../dispatch.js';
import { checkProtocol } from '../check-request.js';
import { NO_TIMEOUT } from '../../timeout.js';

/** A function that answers a request in place of a server. What it throws rejects the call as it is. @since 0.1.0 */
export type MockHandler = (request: Request) => Response | Promise<Response>;

/**
 * Answers every request by a function, and keeps the requests. A streamed body is read before the function sees it.
 *
 * ```js
 * const dispatch = new MockDispatch((request) => new Response(200, { json: { path: request.url.path } }));
 * const client = new Client({ dispatch });
 * ```
 *
 * Rejects with what the function throws, a TypeError if it gives no Response, `signal.reason` and the timeouts `read` and `total`.
 *
 * @throws TypeError for what is no function
 * @since 0.1.0
 */
export class MockDispatch implements Dispatch {
  /** All that were sent, in order, each hop of a redirect among them. @since 0.1.0 */
  readonly requests: readonly Request[] = [];
  #handler: MockHandler;

  /**
   * Takes the function that answers each request.
   *
   * @throws TypeError for what is no function
   * @since 0.1.0
   */
  constructor(handler: MockHandler) {
    if (typeof handler !== 'function') throw new TypeError(`handler: expected a function, got ${typeName(handler)}`);
    this.#handler = handler;
  }

  /** Keeps the request, and answers with what the handler gives. Rejects with what the handler throws. @since 0.1.0 */
  send(request: Request, options: DispatchOptions = NO_OPTIONS): Promise<Response> {
    (this.requests as Request[]).push(request);
    const exchange = new MockExchange(request, options);
    return exchange.send(() => {
      checkProtocol(request);
      exchange.call(this.#handler);
    });
  }
}

defineInspect(MockDispatch, ({ requests }) => `<MockDispatch, ${requests.length} requests>`);

class MockExchange extends AppExchange {
  call(handler: MockHandler): void {
    this.startReadTimer();
    this.#answer(handler).then(
      (response) => this.respond(response),
      (error: unknown) => this.fail(error),
    );
  }

  async #answer(handler: MockHandler): Promise<Response> {
    const { request } = this;
    await request.read();
    const response: unknown = await handler(request);
    if (response instanceof Response) return response;
    if (response !== undefined && response !== null) {
      throw new TypeError(`MockDispatch: the handler must give a Response, got ${typeName(response)}`);
    }
    throw requestFailure(RemoteProtocolError, 'MockDispatch: the handler returned without answering', { request });
  }

  protected room(): void {}

  protected dropped(reason: unknown): void {
    const { body } = this.request;
    if (body instanceof StreamBody) body.stop(reason);
  }
}

const NO_OPTIONS: DispatchOptions = Object.freeze({ timeout: NO_TIMEOUT });

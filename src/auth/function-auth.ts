/** A function as auth: it changes the request, or gives another one. Flows that look at responses are Auth's. */

import { typeName } from '../shown-text.js';
import { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { Auth } from './auth.js';

/** Calls the function with each request before it is sent; what it returns is sent. */
export class FunctionAuth extends Auth {
  #authenticate: (request: Request) => Request | Promise<Request>;

  constructor(authenticate: (request: Request) => Request | Promise<Request>) {
    super();
    this.#authenticate = authenticate;
  }

  async *authFlow(request: Request): AsyncGenerator<Request, void, Response> {
    const authenticated = await this.#authenticate(request);
    if (!(authenticated instanceof Request)) {
      throw new TypeError(`auth: the function must return a Request, it returned ${typeName(authenticated)}`);
    }
    yield authenticated;
  }
}

/** Running an auth flow around the exchanges of one hop. Schemes do not know of it, and it knows of no scheme. */

import { StreamBody } from '../request/body.js';
import { RequestError, StreamConsumed } from '../errors.js';
import { typeName } from '../shown-text.js';
import { requestFailure } from '../request-failure.js';
import { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { Call } from './call.js';
import type { Auth } from '../auth/auth.js';
import { BasicAuth } from '../auth/basic.js';

/** With the credentials of the call, if there still are any for this hop. */
export function sendHandlingAuth(request: Request, call: Call): Promise<Response> {
  const { auth } = call;
  if (auth === null) return call.sendSingle(call.isChangeable ? request.copy() : request);
  if (!isBasic(auth)) return sendInFlow(auth, request, call);
  const outgoing = request.copy();
  auth.apply(outgoing);
  return call.sendSingle(outgoing);
}

/** The loop: each request that the flow yields is sent, and its response given back, until the flow ends. */
async function sendInFlow(auth: Auth, request: Request, call: Call): Promise<Response> {
  // Of the request itself, so that a redirect has the body too.
  if (auth.requiresRequestBody === true) await readBody(request, call);
  const outgoing = request.copy();
  const flow = auth.authFlow(outgoing);
  // Flows write the next answer into the request that they have sent; hooks shall see what was sent.
  const forHooks = call.settings.hooks.response.length > 0;
  let response: Response | null = null;
  try {
    let step = await call.waitFor(() => flow.next());
    for (let sent = 0; !step.done; sent++) {
      const next = checkYielded(step.value, sent);
      if (response !== null) {
        await call.keep(response);
        checkReplayable(next, response);
        await call.refreshCookies(next);
      }
      const answered: Response = (response = await call.exchange(forHooks ? next.copy() : next));
      if (auth.requiresResponseBody === true) await call.read(response);
      try {
        step = await call.waitFor(() => flow.next(answered));
      } catch (error) {
        await call.callResponseHooks(response, false);
        throw error;
      }
      // Only now it is known whether the flow goes on.
      await call.callResponseHooks(response, step.done !== true);
    }
  } catch (error) {
    await response?.close();
    // Not waited for: it may be stuck in what it awaits.
    void Promise.resolve()
      .then(() => flow.return?.())
      .catch(() => {});
    throw error;
  }
  if (response === null) throw new TypeError('auth: the flow ended without a request');
  return response;
}

async function readBody(request: Request, call: Call): Promise<void> {
  const { body } = request;
  try {
    await call.waitFor(() => request.read());
  } catch (error) {
    if (body instanceof StreamBody) body.stop(error);
    throw error;
  }
}

/** Nothing to wait for: the flow of Basic is one request. */
export function isBasic(auth: Auth): auth is BasicAuth {
  return auth instanceof BasicAuth && auth.authFlow === BasicAuth.prototype.authFlow;
}

function checkYielded(yielded: unknown, sent: number): Request {
  if (!(yielded instanceof Request))
    throw new TypeError(`auth: the flow must yield requests, got ${typeName(yielded)}`);
  if (sent === MAX_REQUEST_COUNT) {
    throw requestFailure(RequestError, `auth: the flow goes on after ${MAX_REQUEST_COUNT} requests`, {
      request: yielded,
    });
  }
  return yielded;
}

function checkReplayable(request: Request, response: Response): void {
  if (!(request.body instanceof StreamBody) || request.body.isReplayable) return;
  const message = `${request.url.origin} asks for credentials (${response.statusCode}) and the body again, a stream that was already sent`;
  throw new StreamConsumed(message, { request, response });
}

/** A flow that never ends would ask a server for ever. */
const MAX_REQUEST_COUNT = 100;

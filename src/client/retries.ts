/**
 * Sending again what failed, after a wait. Off unless asked for; `retry-policy.ts` decides. The one safe re-send on a connection that
 * died idle is the core's and not counted here.
 */

import { StreamBody } from '../request/body.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import { sendHandlingAuth } from './auth-flow.js';
import type { Call } from './call.js';
import type { RetryPolicy } from './retry-policy.js';
import { checkWait, isPassing, isPassingAnswer, retryAfter } from './retry-policy.js';

/** The loop: auth anew for each attempt, as a nonce or a signature's time would be stale. */
export function sendHandlingRetries(request: Request, call: Call): Promise<Response> {
  const policy = call.settings.retries;
  return policy === null ? sendHandlingAuth(request, call) : sendRepeatedly(request, call, policy);
}

async function sendRepeatedly(request: Request, call: Call, policy: Required<RetryPolicy>): Promise<Response> {
  const before = call.history.length;
  let next = request;
  for (;;) {
    // Asked behind the sending, which uses up some bodies.
    const mayGoOn = () => call.retries < policy.limit && isReplayable(request);
    const willRetry = (response: Response) => mayGoOn() && isPassingAnswer(response, request, policy);
    call.willRetry = willRetry;
    let response: Response | null = null;
    let failure: unknown;
    try {
      response = await sendHandlingAuth(next, call);
      if (!willRetry(response)) await call.readFinal(response);
    } catch (error) {
      response = null;
      failure = error;
    }
    if (response === null) {
      if (!mayGoOn() || !isPassing(failure, request, policy)) throw failure;
    } else if (!willRetry(response)) {
      return response;
    }
    const attempt = ++call.retries;
    let wait: number;
    try {
      wait = (response === null ? null : retryAfter(response)) ?? checkWait(policy.backoff(attempt));
    } catch (error) {
      await response?.close();
      throw error;
    }
    if (response !== null) await call.drain(response);
    // Attempts that were given up are no part of the final one's story.
    call.history.length = before;
    await call.sleep(wait);
    if (response !== null && response.maySetCookies) {
      // A copy: the request may be the user's.
      next = request.copy();
      await call.refreshCookies(next);
    }
  }
}

function isReplayable({ body }: Request): boolean {
  return !(body instanceof StreamBody) || body.isReplayable;
}

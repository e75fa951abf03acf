/**
 * The errors of a request under way: what their messages begin with, and whose line their stacks show. The classes are in
 * errors.ts; which one it is belongs to the layer where it happened.
 */

import { own } from './check-options.js';
import type { ErrorClass, ErrorDetails } from './errors.js';
import { withoutSecrets } from './request-secrets.js';

type Request = NonNullable<ErrorDetails['request']>;

/**
 * An error whose message begins with method and URL, `GET https://example.org/users: …`, when the request is known. The URL is
 * without userinfo, query and fragment, which may be secrets.
 *
 * @param details `request` is the one that failed.
 * @param of The request in the message, where `details.request` is another one (CONNECT).
 */
export function requestFailure<E extends ErrorClass>(
  errorClass: E,
  message: string,
  details: ErrorDetails,
  of?: Request,
): InstanceType<E> {
  const failed = of ?? own(details, 'request');
  own(details, 'response')?.tellSecrets();
  const text = failed === undefined ? bounded(message) : located(message, failed);
  const error = new errorClass(text, details) as InstanceType<E>;
  untraced.add(error);
  return error;
}

/**
 * Gives such an error the stack of where it is now, so that the line of the application that made the call is in it: where the error
 * was made, a timer or the binding, the callers are not known any more. To be called in the `catch` of an async function that the
 * caller awaits, from which V8 follows the chain of `await`. Once for each error; other errors stay as they are.
 */
export function traceToCaller(error: unknown): void {
  if (typeof error !== 'object' || error === null || !untraced.delete(error)) return;
  if (!Object.isExtensible(error)) return;
  // This package's own frames count as well, and may be all that V8 keeps.
  const { stackTraceLimit } = Error;
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit > 0 ? stackTraceLimit + OWN_FRAMES : stackTraceLimit);
  Error.captureStackTrace(error, traceToCaller);
  Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
}

/** The peer closed the connection, in order, before the response was complete. */
export function markClosedByPeer(error: Error): void {
  closedByPeer.add(error);
}

/** Whether that is why: doors to what calls it by another name ask. Of the network's errors. */
export function isClosedByPeer(error: Error): boolean {
  return closedByPeer.has(error);
}

/** `message` behind method and URL, without what the request keeps secret; an origin that it begins with is not said twice. */
function located(message: string, failed: Request): string {
  const { method, url } = failed;
  const { origin } = url;
  // What has no authority may be 'user:password@host' without a scheme.
  const place = url.isAbsoluteUrl ? `${origin}${url.rawPath}` : url.toSafeString().replace(/[?#].*/s, '');
  const shown = place.length > MAX_PLACE_CHARS ? `${place.slice(0, MAX_PLACE_CHARS)}…` : place;
  const prefix = [`cannot connect to ${origin}: `, `${origin}: `].find((text) => message.startsWith(text)) ?? '';
  return `${method}${shown === '' ? '' : ` ${shown}`}: ${bounded(withoutSecrets(message.slice(prefix.length), failed))}`;
}

/** What a peer, a name or a system says may be of any length. */
function bounded(message: string): string {
  return message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS)}…` : message;
}

const untraced = new WeakSet<object>();
const closedByPeer = new WeakSet<Error>();
/** Of this package, between the place where an error is met and the application's line. */
const OWN_FRAMES = 10;
/** Characters of a message, and of a URL in it. */
const MAX_MESSAGE_CHARS = 2000;
const MAX_PLACE_CHARS = 500;

/** The functions that a client calls around each exchange: reading the option. They are called in call.ts. */

import { typeName } from '../shown-text.js';
import { checkOptions, own } from '../check-options.js';
import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';

/** Both lists may be changed at any time; they act on the next exchange. @since 0.1.0 */
export interface EventHooks {
  /** Before each request is sent, with its auth and cookies; it may be changed. @since 0.1.0 */
  request: ((request: Request) => void | Promise<void>)[];
  /** After each response's head, before its body is read; `read()` may be called. @since 0.1.0 */
  response: ((response: Response) => void | Promise<void>)[];
}

/** One of the lists, both or none. */
export type EventHooksOption = { [K in keyof EventHooks]?: EventHooks[K] | undefined };

/**
 * Both lists, copied; empty where there is none.
 * @throws TypeError for unknown names, and for what is no list of functions
 */
export function toEventHooks(given: EventHooksOption | undefined): EventHooks {
  if (given === undefined) return { request: [], response: [] };
  if (given === null || typeof given !== 'object') {
    throw new TypeError(`eventHooks: expected an object of lists, got ${typeName(given)}`);
  }
  checkOptions(given, names, 'eventHooks');
  return { request: listOf(given, 'request'), response: listOf(given, 'response') };
}

function listOf<K extends keyof EventHooks>(given: EventHooksOption, name: K): EventHooks[K] {
  const list: unknown = own(given, name);
  if (list === undefined) return [];
  if (!Array.isArray(list)) throw new TypeError(`eventHooks.${name}: expected a list, got ${typeName(list)}`);
  for (const hook of list) checkHook(name, hook);
  return [...list] as EventHooks[K];
}

/** The lists are the user's to change: what was put into one later is seen when it is called. @throws TypeError */
export function checkHook(name: keyof EventHooks, hook: unknown): void {
  if (typeof hook !== 'function') {
    throw new TypeError(`eventHooks.${name}: expected functions, got ${typeName(hook)}`);
  }
}

const names = ['request', 'response'];

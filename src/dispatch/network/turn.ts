/** The requests of one turn of the event loop, of which each call that finds the I/O thread asleep wakes it, by a system call. */

import { nextTick } from '../../real-time.js';

/** What `Engine.send` takes of a request without a body. */
export interface WaitingRequest {
  readonly id: number;
  readonly profile: number;
  readonly flags: number;
  readonly head: string;
}

/** The first one goes at once, those behind it go together: at the end of the turn, or earlier when they are many. */
export class Turn {
  #waiting: WaitingRequest[] = [];
  #hasFirst = false;
  #send: (request: WaitingRequest) => void;

  /** @param send Must not throw. */
  constructor(send: (request: WaitingRequest) => void) {
    this.#send = send;
  }

  /** Whether the request that is to be sent now is the first of its turn, which does not wait. */
  isFirst(): boolean {
    if (this.#hasFirst) return false;
    this.#hasFirst = true;
    nextTick(this.#end);
    return true;
  }

  add(request: WaitingRequest): void {
    this.#waiting.push(request);
    if (this.#waiting.length === MAX_WAITING_COUNT) this.sendWaiting();
  }

  sendWaiting(): void {
    if (this.#waiting.length === 0) return;
    const sent = this.#waiting;
    this.#waiting = [];
    for (const request of sent) this.#send(request);
  }

  #end = (): void => {
    this.#hasFirst = false;
    this.sendWaiting();
  };
}

/** More at a time would leave the I/O thread without work meanwhile. */
const MAX_WAITING_COUNT = 8;

/**
 * A dispatch that is not this package's may know nothing of signals and of the total timeout: both are kept for it, until its
 * response's body has ended. So they are for MockDispatch, whose responses are made by hand.
 */

import type { Dispatch, DispatchOptions } from '../dispatch/dispatch.js';
import { FetchDispatch } from '../dispatch/apps/fetch/fetch-dispatch.js';
import { NodeDispatch } from '../dispatch/apps/node/node-dispatch.js';
import { PlatformDispatch } from '../dispatch/platform/platform-dispatch.js';
import { HTTPDispatch } from '../dispatch/network/http-dispatch.js';
import { abortionOf, listen } from '../dispatch/shared-abort-listener.js';
import { TotalTimeout } from '../errors.js';
import type { Request } from '../request/request.js';
import { requestFailure } from '../request-failure.js';
import type { Abortion, BodySource } from '../response/body-source.js';
import type { Response } from '../response/response.js';

/** Whether the call has a limit that the dispatch may not keep. */
export function needsDeadline({ send }: Dispatch, { signal, timeout }: DispatchOptions): boolean {
  const isLimited = timeout.totalTimeout !== null || (signal !== undefined && signal !== null);
  return isLimited && !ours.has(send);
}

/** As `dispatch.send`; rejects on time, whatever the dispatch does. Its signal is aborted then. */
export async function sendInTime(dispatch: Dispatch, request: Request, options: DispatchOptions): Promise<Response> {
  const deadline = new Deadline(request, options);
  try {
    const sent = Promise.resolve(dispatch.send(request, { ...options, signal: deadline.signal }));
    // One that comes too late is of no use.
    const late = (response: Response) => (deadline.isOver ? void response?.close?.() : undefined);
    sent.then(late, () => {});
    const response = await Promise.race([sent, deadline.over]);
    if (typeof response?.wrapBody !== 'function' || response.isClosed) deadline.stop();
    else response.wrapBody((source) => new LimitedSource(source, deadline, options.signal));
    return response;
  } catch (error) {
    deadline.stop();
    throw error;
  }
}

class Deadline {
  /** For the dispatch: aborted when the call is, or is over. */
  readonly signal: AbortSignal;
  /** Rejects then. */
  readonly over: Promise<never>;
  isOver = false;
  #timer: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;

  constructor(request: Request, { signal, timeout: { totalTimeout } }: DispatchOptions) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.over = new Promise((_resolve, reject) => {
      const end = (reason: unknown) => {
        this.isOver = true;
        this.stop();
        reject(reason as Error);
        controller.abort(reason);
      };
      if (totalTimeout !== null) {
        const message = `${request.url.origin} did not finish within ${totalTimeout} ms in all`;
        this.#timer = setTimeout(() => end(requestFailure(TotalTimeout, message, { request })), totalTimeout);
      }
      if (signal?.aborted) end(signal.reason);
      else if (signal) this.#unlisten = listen(signal, () => end(signal.reason));
    });
    this.over.catch(() => {});
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#unlisten?.();
    this.#unlisten = undefined;
  }
}

/** A body that is read while there is time. */
class LimitedSource implements BodySource {
  #source: BodySource;
  #deadline: Deadline;
  #signal: DispatchOptions['signal'];

  constructor(source: BodySource, deadline: Deadline, signal: DispatchOptions['signal']) {
    this.#source = source;
    this.#deadline = deadline;
    this.#signal = signal;
  }

  get received(): number {
    return this.#source.received;
  }

  get trailers(): BodySource['trailers'] {
    return this.#source.trailers;
  }

  get elapsed(): number | null {
    return this.#source.elapsed;
  }

  async read(raw: boolean): Promise<Buffer | null> {
    const piece = await Promise.race([this.#source.read(raw), this.#deadline.over]);
    if (piece === null) this.#deadline.stop();
    return piece;
  }

  abortion(): Abortion | null {
    return abortionOf(this.#signal);
  }

  cancel(): void {
    this.#deadline.stop();
    this.#source.cancel();
  }
}

/** What is overridden is not ours. */
const ours: ReadonlySet<Dispatch['send']> = new Set<Dispatch['send']>(
  [HTTPDispatch, FetchDispatch, NodeDispatch, PlatformDispatch].map(
    ({ prototype }) => prototype.send as Dispatch['send'],
  ),
);

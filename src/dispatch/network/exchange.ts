/**
 * One exchange over the network, on JavaScript's side of the binding: its promise, its signal, the chunks of its bodies. The
 * core decides which connection carries it; `http-dispatch.ts` writes the request.
 */

import { inThisContext } from '../../async-context.js';
import { StreamBody } from '../../request/body.js';
import { BodyPump } from '../../request/body-pump.js';
import { FilePart } from '../../request/file-content.js';
import { codeOf } from '../../connect/lookup.js';
import type { ErrorDetails } from '../../errors.js';
import { errorByKind } from '../../errors.js';
import { Headers } from '../../headers.js';
import { markClosedByPeer, requestFailure } from '../../request-failure.js';
import { AT_PROXY, CLOSED_BY_PEER } from './record.js';
import { alsoSecret } from '../../request-secrets.js';
import type { Request } from '../../request/request.js';
import { Response } from '../../response/response.js';
import type { Waiting } from '../pending-response.js';
import { PendingResponse } from '../pending-response.js';
import type { DispatchOptions } from '../dispatch.js';
import type { BodySink } from '../../response/body-source.js';
import type { ErrorKind } from '../../native.js';
import type { ArrivedHead } from './arrived-head.js';
import type { Listener, Thrown } from './listeners.js';
import * as native from './engine.js';
import { courseOf } from './connection-facts.js';
import type { ProxyHop } from './proxy-hop.js';

/** Pieces go down in at most this many bytes, so that progress is told and a signal is seen in between. */
const MAX_CHUNK_BYTES = 256 * 1024;

/** Each promise that it has given keeps the process alive until it is settled. */
export class Exchange extends PendingResponse implements Listener {
  #id = -1;
  #writing: ((stopped: boolean) => void) | null = null;
  /** The file that the body is written into. */
  #savingTo: string | undefined;
  /** A streamed body. */
  #body: StreamBody | null = null;
  /** Sends it; another one each time that it is sent from its beginning. */
  #pump: BodyPump | null = null;
  #onInformational: DispatchOptions['onInformational'];
  /** Told how many bytes of a file were handed over. */
  #onFileSent: ((sent: number) => void) | null = null;
  /** The file that is being sent. */
  #filePath: string | undefined;
  #hop: ProxyHop | null;
  #refusal: Response | null = null;
  /** Whose body cannot be had. */
  #failed: Response | null = null;
  /** The whole body came with its head. */
  #isAtHand = false;
  /** The whole rest is being read as one; `tell` reports the bytes received so far, where progress was asked for. */
  #whole: { tell: ((received: number) => void) | null } | null = null;
  /** What the exchange may still have to call, for as long as it is under way. */
  holds: unknown;

  constructor(
    request: Request,
    options: DispatchOptions,
    answer: Waiting<Response>,
    hop: ProxyHop | null,
    holds: unknown,
  ) {
    super(request, options, answer);
    this.holds = holds;
    this.#hop = hop;
    const { onInformational } = options;
    // Called from the drain, which knows nothing of the caller's AsyncLocalStorage.
    if (typeof onInformational === 'function') this.#onInformational = inThisContext(onInformational);
  }

  /** Sends it. `head` is what `native.send` takes. */
  start(profile: number, flags: number, head: string, body: Buffer | StreamBody | null): void {
    const { signal } = this.options;
    const streams = body instanceof StreamBody;
    if (streams) {
      const { StreamRequest, RestartableRequest } = native.flags;
      flags |= body.isReadTwice ? StreamRequest | RestartableRequest : StreamRequest;
      this.#body = body;
    }
    this.#id =
      body === null && this.options.readsSoon === true
        ? native.sendSoon(this, profile, flags, head)
        : native.send(this, profile, flags, head, streams ? null : body);
    // Before the body is asked for its first piece, which may abort it.
    if (signal !== undefined && signal !== null) this.listen(signal, () => this.onAbort(signal));
    if (streams && !this.isOver) void this.#upload(body);
  }

  // ── what happens below ──

  onDone(head: ArrivedHead): void {
    this.finish();
    head.trailers = this.trailers;
    this.takeAnswer()?.resolve(this.#respond(head));
  }

  onHead(head: ArrivedHead): void {
    if (this.isOver) return;
    head.source = this;
    const answer = this.takeAnswer();
    if (answer === null) return;
    const response = this.#respond(head);
    this.watch(response);
    answer.resolve(response);
  }

  onHeadWithBody(head: ArrivedHead, elapsed: number, received: number, content: Buffer): void {
    if (this.isOver) return;
    head.source = this;
    this.received += received;
    this.elapsed = elapsed;
    const answer = this.takeAnswer();
    if (content.length > 0) this.deliver(content);
    this.#isAtHand = true;
    this.complete(null);
    answer?.resolve(this.#respond(head));
  }

  onChunk(chunk: Buffer, received: number): void {
    if (this.isOver) return;
    this.received += received;
    this.deliver(chunk);
  }

  onTrailers(lines: string): void {
    this.trailers = Headers.fromLines(lines);
  }

  onProgress(received: number): void {
    if (this.isOver) return;
    this.received += received;
    try {
      this.#whole?.tell?.(this.received);
    } catch (error) {
      this.fail(error);
    }
  }

  onEnd(trailerLines: string, elapsed: number, received: number, rest: Buffer | null): void {
    if (this.isOver) return;
    this.received += received;
    this.elapsed = elapsed;
    if (trailerLines !== '') this.onTrailers(trailerLines);
    this.complete(this.#whole === null ? null : rest);
  }

  onInformational(statusCode: number, lines: string): void {
    if (this.isOver) return;
    try {
      this.#onInformational?.(statusCode, Headers.fromLines(lines));
    } catch (error) {
      this.fail(error);
    }
  }

  onWritable(stopped: boolean): void {
    if (stopped) this.#pump?.stop();
    this.#takeWriting()?.(this.#pump?.isStopped ?? true);
  }

  onRestart(): void {
    const body = this.#body;
    if (this.isOver || body === null) return;
    this.#pump?.stop();
    this.#takeWriting()?.(true);
    native.restart(this.#id);
    void this.#upload(body);
  }

  onFileProgress(sent: number): void {
    this.#onFileSent?.(sent);
  }

  onWriteFailed(kind: ErrorKind, code: string | undefined, message: string): void {
    const details: ErrorDetails = { code, request: this.request, path: this.#filePath };
    this.fail(this.#failure(kind, message, details));
  }

  onRefusal(head: ArrivedHead): void {
    const connect = this.#hop?.connectRequest(this.request.url);
    this.#refusal = new Response(head.statusCode, undefined, head, connect);
  }

  onFault(reason: unknown): void {
    if (this.isOver) this.reject(reason);
    else this.fail(reason);
  }

  onFailedHead(head: ArrivedHead): void {
    head.source = this;
    this.#failed = this.#respond(head);
  }

  onError(
    kind: ErrorKind,
    code: string | undefined,
    message: string,
    facts: number,
    course: string,
    thrown?: Thrown,
  ): void {
    if (this.isOver) return;
    this.finish();
    const refusal = this.#refusal;
    const details: ErrorDetails = { code, request: refusal === null ? this.request : refusal.request };
    Object.assign(details, courseOf(course));
    const response = refusal ?? this.#failed;
    if (response !== null) details.response = response;
    if (this.#savingTo !== undefined && kind === 'FileError') details.path = this.#savingTo;
    if (thrown !== undefined) {
      details.cause = thrown.reason;
      details.code = codeOf(thrown.reason) ?? code;
    }
    if ((facts & AT_PROXY) !== 0 && this.#hop !== null) details.proxy = String(this.#hop.proxy);
    const failure = this.#failure(kind, message, details);
    if ((facts & CLOSED_BY_PEER) !== 0) markClosedByPeer(failure);
    this.reject(failure);
  }

  // ── what is asked from above ──

  read(raw: boolean): Promise<Buffer | null> {
    const chunk = this.takeChunk();
    return chunk === undefined ? this.readNext(() => native.read(this.#id, raw)) : Promise.resolve(chunk);
  }

  /** All that is left, decoded, into a file: no piece of it comes up here. */
  async save(sink: BodySink, tell: ((received: number) => void) | null): Promise<void> {
    this.#whole = { tell: tell === null ? null : inThisContext(tell) };
    this.#savingTo = sink.path;
    const atHand = this.takeChunk();
    if (atHand !== undefined) return sink.write(atHand);
    await this.readNext(() => native.save(this.#id, sink.handle, tell !== null));
  }

  /** All that is left, decoded: it is put together below, where nothing has to be copied. */
  async readWhole(limit: number | null, tell: ((received: number) => void) | null): Promise<Buffer> {
    // Called from the drain, which knows nothing of the caller's AsyncLocalStorage.
    this.#whole = { tell: tell === null ? null : inThisContext(tell) };
    // What has come with the head is as long as it was declared, and that was looked at before.
    const atHand = this.takeChunk();
    if (atHand !== undefined) return atHand;
    const rest = await this.readNext(() => native.readWhole(this.#id, limit, tell !== null));
    return rest ?? Buffer.alloc(0);
  }

  takeAtHand(): Buffer | null {
    return this.#isAtHand ? (this.takeChunk() ?? Buffer.alloc(0)) : null;
  }

  drain(): Promise<Buffer | null> {
    this.#whole = { tell: null };
    const atHand = this.takeChunk();
    if (atHand !== undefined) return Promise.resolve(atHand);
    return this.readNext(() => native.drainBody(this.#id));
  }

  protected dropped(): void {
    native.cancel(this.#id);
  }

  protected override settled(): void {
    native.unhold();
  }

  protected override finish(): void {
    this.holds = null;
    this.#pump?.stop();
    this.#takeWriting()?.(true);
    super.finish();
  }

  #failure(kind: ErrorKind, message: string, details: ErrorDetails): Error {
    if (this.#hop !== null) alsoSecret(this.request, this.#hop.proxy);
    return requestFailure(errorByKind[kind], message, details, this.request);
  }

  #respond(head: ArrivedHead): Response {
    if (this.#hop !== null) head.setProxy(this.#hop.proxy);
    return new Response(head.statusCode, undefined, head, this.request);
  }

  #takeWriting(): ((stopped: boolean) => void) | null {
    const writing = this.#writing;
    if (writing !== null) native.unhold();
    this.#writing = null;
    return writing;
  }

  /** Pushes the chunks as fast as there is room for them; what the source throws is the caller's error. */
  async #upload(body: StreamBody): Promise<void> {
    const pump = (this.#pump = new BodyPump(body, this.options.onUploadProgress, MAX_CHUNK_BYTES));
    try {
      for (;;) {
        const chunk = await pump.next(true);
        if (chunk === null) break;
        if (chunk instanceof FilePart) {
          if (await this.#writeFile(chunk, pump)) break;
        } else {
          if (await this.#write(chunk)) break;
          pump.report(chunk.length);
        }
      }
      if (!pump.isStopped) native.end(this.#id);
    } catch (error) {
      // What a producer throws because it was told to stop concerns no caller.
      if (!pump.isStopped) this.fail(error);
    }
    pump.stop();
  }

  /** The core reads the file itself. Resolves when there is room for more: true when no more is wanted. */
  #writeFile(part: FilePart, pump: BodyPump): Promise<boolean> {
    return new Promise((resolve) => {
      this.#writing = resolve;
      this.#filePath = part.shownPath;
      this.#onFileSent = pump.reportsProgress ? inThisContext((bytes: number) => pump.report(bytes)) : null;
      native.writeFile(this.#id, part, pump.reportsProgress);
    });
  }

  /** Resolves when there is room for more: true when no more is wanted. */
  #write(part: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      this.#writing = resolve;
      native.write(this.#id, part);
    });
  }
}

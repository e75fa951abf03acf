/** What happened below, in batches of records: each is read here, and told to whom it is for. */

import { bare } from '../../bare.js';
import type { RecordKind } from '../../native.js';
import { ownCopy } from '../../own-memory.js';
import { ArrivedHead } from './arrived-head.js';
import type { ConnectionFacts } from './connection-facts.js';
import { connectionFactsOf } from './connection-facts.js';
import { listeners, release } from './listener-table.js';
import type { ConnectionListener, FileListener, Listener, LookupListener, Thrown } from './listeners.js';
import {
  BODY_LENGTH_AT,
  CONNECTION_AT,
  FILE_PROGRESS,
  HEAD_LENGTH_AT,
  KIND_AT,
  LARGE,
  NOW_AT,
  NUMBER,
  RECEIVED_AT,
  RECORD_BYTES,
  STATUS_AT,
  faultOf,
  linesOf,
} from './record.js';

/**
 * A batch of records, each to its listener.
 *
 * @param large The bodies that are not in it.
 * @param kinds The addon's enum.
 */
export function deliver(batch: Buffer, large: Buffer[], kinds: typeof RecordKind): void {
  let nextLarge = 0;
  for (let at = 0; at < batch.length;) {
    const id = batch.readUInt32LE(at);
    const kind = batch[at + KIND_AT];
    const status = batch.readUInt16LE(at + STATUS_AT);
    const headLength = batch.readUInt32LE(at + HEAD_LENGTH_AT);
    const bodyLength = batch.readUInt32LE(at + BODY_LENGTH_AT);
    const headAt = at + RECORD_BYTES;
    const bodyAt = headAt + headLength;
    const isLarge = bodyLength === LARGE;
    const bodyEnd = isLarge ? bodyAt : bodyAt + bodyLength;
    const body = isLarge ? large[nextLarge++] : null;
    const listener = listeners[id] as Listener;
    // Each record on its own: what one listener throws must not keep the others from what is theirs.
    try {
      switch (kind) {
        case kinds.Done:
        case kinds.Head:
        case kinds.FailedHead: {
          const isWhole = kind !== kinds.Head;
          const facts = connections[batch.readUInt32LE(at + CONNECTION_AT) & NUMBER];
          const head = new ArrivedHead(batch, at, isWhole, body, facts);
          if (kind === kinds.Done) {
            release(id);
            listener.onDone(head);
          } else if (kind === kinds.Head) {
            listener.onHead(head);
          } else {
            listener.onFailedHead(head);
          }
          break;
        }
        case kinds.HeadWithBody: {
          release(id);
          const facts = connections[batch.readUInt32LE(at + CONNECTION_AT) & NUMBER];
          const head = new ArrivedHead(batch, at, false, null, facts);
          const elapsed = batch.readUInt32LE(at + NOW_AT) / 1000;
          const content = ownCopy(batch.subarray(bodyAt, bodyEnd));
          listener.onHeadWithBody(head, elapsed, batch.readUInt32LE(at + RECEIVED_AT), content);
          break;
        }
        case kinds.Chunk:
          listener.onChunk(body ?? ownCopy(batch.subarray(bodyAt, bodyEnd)), batch.readUInt32LE(at + RECEIVED_AT));
          break;
        case kinds.Progress:
          listener.onProgress(batch.readUInt32LE(at + RECEIVED_AT));
          break;
        case kinds.End: {
          release(id);
          const elapsed = batch.readUInt32LE(at + NOW_AT) / 1000;
          const rest = status === 1 ? null : (body ?? ownCopy(batch.subarray(bodyAt, bodyEnd)));
          listener.onEnd(linesOf(batch, headAt, bodyAt), elapsed, batch.readUInt32LE(at + RECEIVED_AT), rest);
          break;
        }
        case kinds.Trailers:
          listener.onTrailers(linesOf(batch, headAt, bodyAt));
          break;
        case kinds.Informational:
          listener.onInformational(status, linesOf(batch, headAt, bodyAt));
          break;
        case kinds.Writable:
          if (status === FILE_PROGRESS) listener.onFileProgress(batch.readUInt32LE(at + RECEIVED_AT));
          else listener.onWritable(status === 1);
          break;
        case kinds.Restart:
          listener.onRestart();
          break;
        case kinds.Error: {
          release(id);
          const { kind: failed, code, message, course } = faultOf(batch.utf8Slice(bodyAt, bodyEnd));
          listener.onError(failed, code, message, status, course, thrown.get(batch.readUInt32LE(at + RECEIVED_AT)));
          break;
        }
        case kinds.WriteFailed: {
          const { kind: failed, code, message } = faultOf(batch.utf8Slice(bodyAt, bodyEnd));
          listener.onWriteFailed(failed, code, message);
          break;
        }
        case kinds.Connection:
          connections[id] = connectionFactsOf(body ?? batch.subarray(bodyAt, bodyEnd));
          break;
        case kinds.File:
          release(id);
          (listener as unknown as FileListener).onFile(batch.utf8Slice(bodyAt, bodyEnd));
          break;
        case kinds.Lookup:
          (listener as unknown as LookupListener).onLookup(
            batch.readUInt32LE(at + RECEIVED_AT),
            batch.utf8Slice(bodyAt, bodyEnd),
          );
          break;
        case kinds.LookupForgotten:
          thrown.delete(batch.readUInt32LE(at + RECEIVED_AT));
          break;
        case kinds.LookupEnded:
          release(id);
          break;
        case kinds.Warning:
          process.emitWarning(batch.utf8Slice(bodyAt, bodyEnd), bare({ code: 'WHIPPET_NO_TRUST_STORE' }));
          break;
        case kinds.Refusal:
          listener.onRefusal(new ArrivedHead(batch, at, true, body, undefined));
          break;
        case kinds.Ready:
          release(id);
          (listener as unknown as ConnectionListener).onReady();
          break;
        case kinds.Closed:
          release(id);
          (listener as unknown as () => void)();
          break;
      }
    } catch (error) {
      (listener as Partial<Listener> | undefined)?.onFault?.(error);
    }
    at = (bodyEnd + 3) & ~3;
  }
}

/** `reason` is the cause of the errors that come of this look-up. */
export function rememberThrown(question: number, reason: unknown): void {
  thrown.set(question, { reason });
}

/** What look-ups threw, by question, until no error can come of it any more. */
const thrown = new Map<number, Thrown>();

/** By number. The core gives one of a connection that has gone to another, and says so. */
const connections: (ConnectionFacts | undefined)[] = [];

/** An Aborter that is aborted when the caller's signal is, too; it listens to that only while something listens to it. */

import { Aborter } from './aborter.js';
import { abortionOf, listen, reasonOf } from './shared-abort-listener.js';

export class FollowingAborter extends Aborter {
  readonly #followed: AbortSignal | null;
  #signal: AbortSignal | undefined;

  constructor(followed: AbortSignal | null) {
    super();
    this.#followed = followed;
  }

  override get aborted(): boolean {
    return super.aborted || abortionOf(this.#followed) !== null;
  }

  override get reason(): unknown {
    return super.aborted ? super.reason : abortionOf(this.#followed)?.reason;
  }

  override throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  override listen(onAbort: () => void): () => void {
    const unlisten = super.listen(onAbort);
    if (this.#followed === null) return unlisten;
    const unfollow = listen(this.#followed, onAbort);
    return () => {
      unlisten();
      unfollow();
    };
  }

  override get signal(): AbortSignal {
    return (this.#signal ??= this.#toSignal(this.#followed));
  }

  #toSignal(followed: AbortSignal | null): AbortSignal {
    const own = super.signal;
    if (followed === null) return own;
    if ((followed as unknown) instanceof AbortSignal) return AbortSignal.any([own, followed]);
    // Of a package that has signals of its own.
    if (followed.aborted) this.abort(reasonOf(followed));
    else listen(followed, () => this.abort(reasonOf(followed)));
    return own;
  }
}

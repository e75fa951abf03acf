/** What requests have in common, registered with the binding once and named by a number afterwards. */

import { bare } from '../../bare.js';
import type { PoolHandle } from '../../native.js';
import type { TimeoutConfig } from '../../timeout.js';
import * as native from './engine.js';
import type { ProxyHop } from './proxy-hop.js';

/** Timeouts and limits by number. Most clients have one; a client with ever new timeouts does not pile them up. */
export class Profiles {
  #last: LastProfile | null = null;
  #byKey = new Map<string, number>();

  /** `pool` is asked for its number when a profile is made, and not before: that crosses the binding. */
  of(pool: PoolHandle, timeout: TimeoutConfig, maxResponseSize: number | null, hop: ProxyHop | null): number {
    const last = this.#last;
    const isLast = last !== null && last.timeout === timeout && last.maxResponseSize === maxResponseSize;
    if (isLast && last.hop === hop) return last.profile;
    const { poolTimeout, connectTimeout, writeTimeout, readTimeout, totalTimeout } = timeout;
    const key = `${poolTimeout} ${connectTimeout} ${writeTimeout} ${readTimeout} ${totalTimeout} ${maxResponseSize} ${hop?.number}`;
    let profile = this.#byKey.get(key);
    if (profile === undefined) {
      if (this.#byKey.size >= MAX_PROFILE_COUNT) this.clear();
      const limits = bare({
        pool: pool.id,
        poolTimeoutMs: poolTimeout ?? undefined,
        connectTimeoutMs: connectTimeout ?? undefined,
        writeTimeoutMs: writeTimeout ?? undefined,
        readTimeoutMs: readTimeout ?? undefined,
        totalTimeoutMs: totalTimeout ?? undefined,
        maxResponseSize: maxResponseSize ?? undefined,
      });
      profile = native.openProfile(limits, hop?.handle ?? null);
      this.#byKey.set(key, profile);
    }
    this.#last = { timeout, maxResponseSize, hop, profile };
    return profile;
  }

  /** Requests that are under way keep theirs. */
  clear(): void {
    for (const profile of this.#byKey.values()) native.closeProfile(profile);
    this.#byKey.clear();
    this.#last = null;
  }
}

interface LastProfile {
  timeout: TimeoutConfig;
  maxResponseSize: number | null;
  hop: ProxyHop | null;
  profile: number;
}

const MAX_PROFILE_COUNT = 64;

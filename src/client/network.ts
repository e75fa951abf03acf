/** The network of a client: the addon's, or where this is a build without it, the platform's own. */

import type { Proxies } from '../connect/proxies.js';
import type { Dispatch } from '../dispatch/dispatch.js';
import type { HTTPDispatchOptions } from '../dispatch/network/http-dispatch.js';
import { HTTPDispatch } from '../dispatch/network/http-dispatch.js';
import { refuseLost, refusePhases } from '../dispatch/platform/lost.js';
import { PlatformDispatch } from '../dispatch/platform/platform-dispatch.js';
import { PLATFORM } from '../platform.js';
import type { TimeoutConfig } from '../timeout.js';
import type { ClientOptions, Given } from './options.js';

/** @throws TypeError, RangeError naming the option */
export function openNetwork(options: HTTPDispatchOptions, proxies: Proxies | null): HTTPDispatch | PlatformDispatch {
  return PLATFORM === 'node' ? new HTTPDispatch(options, proxies) : new PlatformDispatch();
}

/**
 * Options that would have no effect as the client's requests go by the platform's `fetch`. Those of connections are kept where a mount
 * leads to the addon's network.
 *
 * @throws TypeError naming the option
 */
export function checkPlatform(given: Given<ClientOptions>, dispatch: Dispatch, timeout: TimeoutConfig): void {
  if (!(dispatch instanceof PlatformDispatch)) return;
  const hasNetwork = PLATFORM === 'node' && Object.values(given.mounts ?? {}).includes(null);
  const { allowAddresses, denyAddresses } = given;
  // A guard is for all requests, and not for those of the mount alone.
  refuseLost(hasNetwork ? { allowAddresses, denyAddresses } : given, dispatch.followsRedirects);
  refusePhases(timeout);
}

/** In the place of cookies/tough-cookie.ts: a bundler finds the user's own. */

import * as tough from 'tough-cookie';

export const toughCookie = (): typeof tough => tough;
export function resolveToughCookieBy(): void {}

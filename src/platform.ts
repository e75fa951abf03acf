/**
 * Which build of the package this is. The one for Node has the addon; those for browsers and Workers (`dist/browser.js`,
 * `dist/workerd.js`) have the platform's `fetch` instead, and scripts/bundle-web.js puts another word here.
 */

export type Platform = 'node' | 'browser' | 'workerd';

/** `'node'` is every runtime that loads addons: Node, Bun, Deno, Electron. */
export const PLATFORM = 'node' as Platform;

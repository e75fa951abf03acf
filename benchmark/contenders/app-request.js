/** Hono's own way. */
export function openApp(app) {
  return async () => (await app.request('/')).text();
}

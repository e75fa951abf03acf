/** Fastify's own way: light-my-request. */
export function openApp(app) {
  return async () => (await app.inject('/')).payload;
}

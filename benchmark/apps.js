/** The apps of the in-process rows, loaded when they are asked for. */

export const HELLO = 'Hello World!';

export const apps = {
  async express() {
    const { default: express } = await import('express');
    const app = express();
    app.get('/', (_req, res) => void res.send(HELLO));
    return app;
  },
  async fastify() {
    const { default: fastify } = await import('fastify');
    const app = fastify();
    app.get('/', async () => HELLO);
    await app.ready();
    return app;
  },
  async hono() {
    const { Hono } = await import('hono');
    return new Hono().get('/', (c) => c.text(HELLO));
  },
};

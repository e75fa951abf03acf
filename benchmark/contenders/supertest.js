import supertest from 'supertest';

export function openApp(app) {
  return async () => (await supertest(app).get('/')).text;
}

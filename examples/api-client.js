// @ts-check
// A client of one API whose answers have types that hold: what a schema has checked is what your editor shows.
//   node examples/api-client.js https://api.example.org/v1/ TOKEN
import { BearerAuth, Client, HTTPStatusError, ValidationError } from 'whippet';
import { z } from 'zod'; // or valibot, arktype: any Standard Schema

const User = z.object({ id: z.number(), name: z.string(), joined: z.coerce.date() });

export class Users extends Client {
  /** @param {string} baseUrl @param {string} token */
  constructor(baseUrl, token) {
    super({ baseUrl, auth: new BearerAuth(token), timeout: { total: 10_000 }, retries: 2 });
  }

  async list(page = 1) {
    const response = await this.get('users', { params: { page } });
    return response.raiseForStatus().json(z.array(User));
  }

  /** @param {{ name: string }} user */
  async add(user) {
    const response = await this.post('users', { json: user });
    return response.raiseForStatus().json(User);
  }
}

if (process.argv[1] === import.meta.filename) {
  const users = new Users(process.argv[2], process.argv[3]);
  try {
    console.log('added', (await users.add({ name: 'Ada' })).id);
    for (const { name, joined } of await users.list()) console.log(name, joined.getFullYear());
  } catch (error) {
    if (error instanceof ValidationError) console.log('not as agreed:', error.issues[0].path?.join('.'));
    else if (error instanceof HTTPStatusError) console.log('refused:', error.response.statusCode);
    else throw error;
  }
  await users.close();
}

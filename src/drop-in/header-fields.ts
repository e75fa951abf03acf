/** Headers as an object, as the clients have them whose doors these are. */

import { bare } from '../bare.js';
import type { Response } from '../response/response.js';

/** Headers by name in lower case; several of a name joined. */
export function fieldsOf(response: Response): Record<string, string> {
  const fields: Record<string, string> = {};
  for (const [name, value] of response.headers.multiItems()) {
    if (Object.hasOwn(fields, name)) fields[name] += `, ${value}`;
    else setField(fields, name, value);
  }
  return fields;
}

/** The same, with Set-Cookie as a list, as Node has it. */
export function nodeFieldsOf(response: Response): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = fieldsOf(response);
  if (fields['set-cookie'] !== undefined) fields['set-cookie'] = response.headers.getList('set-cookie');
  return fields;
}

/** A name such as `__proto__` is a name. */
export function setField(fields: Record<string, unknown>, name: string, value: string): void {
  if (!(name in Object.prototype)) fields[name] = value;
  else Object.defineProperty(fields, name, bare({ value, enumerable: true, configurable: true, writable: true }));
}

/** How the text of a URL is shown in messages and logs: without its password, and without the secrets among its parameters. */

import { isSecretParam } from './secret-names.js';

/** 'http://user:password@host' → 'http://[secure]@host', also where the '@' is percent-encoded by mistake. */
export function maskUserinfo(text: string): string {
  const start = text.indexOf('//') + 2;
  const end = Math.max(text.lastIndexOf('@'), text.lastIndexOf('%40'));
  return end < start ? text : `${text.slice(0, start < 2 ? 0 : start)}[secure]${text.slice(end)}`;
}

/** Of one URL, its query and fragment: '/x?access_token=abc&q=1' → '/x?access_token=[secure]&q=1'. */
export function maskParams(url: string): string {
  return masked(url, paramsOfUrl);
}

/** Both, of each URL that is in a text. */
export function maskUrls(text: string): string {
  return masked(text.replace(/(\/\/)[^/?#\s]*@/g, '$1[secure]@'), paramsInText);
}

function masked(text: string, params: RegExp): string {
  if (!text.includes('=')) return text;
  return text.replace(params, (all, name: string) =>
    isSecretParam(name, all.slice(name.length + 1)) ? `${name}=[secure]` : all,
  );
}

/**
 * A ';' ends a value when another parameter follows it; where one begins with it, as in '/x;jsessionid=1?a', that may be in the path.
 *
 * @param end What ends each, for a class of characters.
 */
function paramsUntil(end: string): RegExp {
  return new RegExp(
    `(?<=[?&#;])([^=?;${end}]+)=(?:(?<=;[^=?;${end}]*=)[^?;${end}]+|[^;${end}]+(?:;(?![^=;${end}]*=)[^;${end}]*)*)`,
    'g',
  );
}

const paramsOfUrl = paramsUntil('&#\\s');
const paramsInText = paramsUntil('&#\\s"\'<>');

/** The heads of requests and responses as they are shown. */

import type { Request } from '../request/request.js';
import type { Response } from '../response/response.js';
import type { Painter, Role } from './colors.js';
import { headerText, visibleLine } from './visible-text.js';

/** How a header's value is shown. */
export type ShowValue = (name: string, value: string) => string;

/** Lines for a terminal. @param masked Values of secret headers. */
export function requestHead(request: Request, version: string, paint: Painter, show: ShowValue = asIs): string[] {
  // As a header would be shown that has a URL.
  const target = `${request.method} ${show('request-target', request.url.fullPath)} ${version}`;
  return [paint('strong', visibleLine(target)), ...headerLines(request.headers.raw, paint, show)];
}

export function responseHead(response: Response, paint: Painter, show: ShowValue = asIs): string[] {
  const { httpVersion, statusCode, reasonPhrase } = response;
  const status = `${statusCode}${reasonPhrase === '' ? '' : ` ${visibleLine(headerText(reasonPhrase))}`}`;
  const line = `${paint('dim', httpVersion)} ${paint(roleOf(statusCode), status)}`;
  return [line, ...headerLines(response.headers.raw, paint, show)];
}

function headerLines(raw: readonly (readonly [string, string])[], paint: Painter, show: ShowValue): string[] {
  return raw.map(([name, value]) => {
    const text = show(name, visibleLine(headerText(value)));
    return `${paint('name', visibleLine(name))}${paint('mark', ':')}${text === '' ? '' : ` ${text}`}`;
  });
}

/** The bytes, for a pipe: a character of a header is a byte of it. */
export function responseBytes(response: Response): Buffer {
  const { httpVersion, statusCode, reasonPhrase, headers } = response;
  const lines = [
    `${httpVersion} ${statusCode}${reasonPhrase === '' ? '' : ` ${reasonPhrase}`}`,
    ...headers.raw.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\n')}\n\n`, 'latin1');
}

export function requestBytes(request: Request, version: string): Buffer {
  const lines = [
    `${request.method} ${request.url.fullPath} ${version}`,
    ...request.headers.raw.map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.from(`${lines.join('\n')}\n\n`, 'latin1');
}

function roleOf(statusCode: number): Role {
  if (statusCode >= 400) return 'bad';
  return statusCode >= 300 ? 'redirect' : 'good';
}

function asIs(_name: string, value: string): string {
  return value;
}

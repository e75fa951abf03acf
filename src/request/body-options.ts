/** Which body a request's options ask for, and what describes it. How each kind is encoded is in body.ts, form.ts and multipart.ts. */

import type { Body } from './body.js';
import { encodeContent, encodeJson, responseBody, streamFormBody } from './body.js';
import type { StreamForm } from './brands.js';
import { isResponse, isStreamForm } from './brands.js';
import { FileContent } from './file-content.js';
import { toFields, urlEncode } from './form.js';
import { Headers, mergeHeaders } from '../headers.js';
import { boundaryOf, encodeMultipart, newBoundary, toFiles } from './multipart.js';
import type { ContentTypes, FilesTypes, FormTypes, HeaderTypes } from '../types.js';

/** A body and the headers that describe it. */
export interface Content {
  body: Body;
  /** For example 'application/json', when the body's kind says it. */
  type: string | null;
  /** Of multipart, else null: what a Content-Type of one's own that names none is completed with; and its type is written first. */
  boundary: string | null;
}

/** The options that ask for a body. */
export interface BodyParts {
  content?: ContentTypes | null;
  json?: unknown;
  data?: FormTypes | null;
  files?: FilesTypes | null;
  headers?: HeaderTypes | null | undefined;
}

/**
 * The body that the options ask for.
 *
 * @param defaults Headers under the request's own: a boundary may be named there.
 * @throws TypeError when they ask for two
 */
export function toContent(options: BodyParts, defaults?: Headers): Content {
  const { content, json, data, files } = options;
  const hasContent = content !== undefined && content !== null;
  const form = hasContent ? content : data;
  if (isStreamForm(form)) return ofStreamForm(form, options);
  const hasForm = (data !== undefined && data !== null) || (files !== undefined && files !== null);
  if (!hasForm) {
    if (hasContent && json !== undefined) throw two(options);
    if (json !== undefined) return { body: encodeJson(json), type: 'application/json', boundary: null };
    if (!hasContent) return NO_CONTENT;
    if (isResponse(content)) {
      const coding = mergeHeaders(defaults ?? new Headers(), options.headers ?? undefined).get('content-encoding');
      return { body: responseBody(content, coding), type: null, boundary: null };
    }
    const type = content instanceof FileContent ? content.contentType : null;
    return { body: encodeContent(content), type, boundary: null };
  }
  if (hasContent || json !== undefined) throw two(options);
  const parts = files === undefined || files === null ? [] : toFiles(files);
  if (isRaw(data) && parts.length === 0) return { body: encodeContent(data), type: null, boundary: null };
  const fields = data === undefined || data === null ? NO_FIELDS : toFields(data);
  if (parts.length === 0 && !fields.isMultipart) {
    if (fields.list.length === 0) return NO_CONTENT;
    return { body: urlEncode(fields.list), type: 'application/x-www-form-urlencoded', boundary: null };
  }
  const given = mergeHeaders(defaults ?? new Headers(), options.headers ?? undefined).get('content-type');
  const boundary = boundaryOf(given) ?? newBoundary();
  const body = encodeMultipart(fields.list, parts, boundary);
  return { body, type: `multipart/form-data; boundary=${boundary}`, boundary };
}

/** @throws TypeError when there is another body beside it */
function ofStreamForm(form: StreamForm, options: BodyParts): Content {
  const others = [options.content, options.json, options.data, options.files].filter(
    (value) => value !== undefined && value !== null && value !== form,
  );
  if (others.length > 0) throw two(options);
  const type = new Headers(form.getHeaders()).get('content-type') ?? null;
  return { body: streamFormBody(form), type, boundary: boundaryOf(type ?? undefined) ?? null };
}

/** httpx, as requests before it, sends text and bytes given as `data` as they are. Not in the types: `content` is the place. */
function isRaw(data: unknown): data is string | Uint8Array {
  return typeof data === 'string' || ArrayBuffer.isView(data);
}

function two(options: BodyParts): TypeError {
  const given = (['content', 'json', 'data', 'files'] as const).filter((name) => {
    const value = options[name];
    return value !== undefined && (value !== null || name === 'json');
  });
  return new TypeError(`${given.join(' and ')}: a request has one body, give one of them (data and files go together)`);
}

const NO_CONTENT: Content = Object.freeze({ body: null, type: null, boundary: null });
const NO_FIELDS = { list: [], isMultipart: false };

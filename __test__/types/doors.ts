/** The doors where a program is compiled with exactOptionalPropertyTypes and the DOM's types: read by process/types.spec.ts. */
import { create } from 'axios';
import { got } from 'got';
import { interceptors, request as undiciRequest, setGlobalDispatcher } from 'undici';
import { adapter, createAdapter } from '../../dist/drop-in/axios.js';
import { createRequest, request } from '../../dist/drop-in/got.js';
import { createRequestHandler, requestHandler } from '../../dist/drop-in/smithy.js';
import { createDispatcher } from '../../dist/drop-in/undici.js';
import { S3Client } from '@aws-sdk/client-s3';

export function compiles(text: string | undefined, size: number | undefined): unknown[] {
  setGlobalDispatcher(createDispatcher());
  return [
    create({ adapter }),
    create({ adapter: createAdapter({ timeout: size }) }),
    got.extend({ request }),
    got.extend({ request: createRequest({ socketPath: text }) }),
    new S3Client({ requestHandler }),
    new S3Client({ requestHandler: createRequestHandler({ localAddress: text, requestTimeout: size }) }),
    createDispatcher().request({ origin: text, path: '/', method: 'GET', highWaterMark: size, opaque: text }),
    undiciRequest('http://h/', { dispatcher: createDispatcher().compose(interceptors.retry()) }),
  ];
}

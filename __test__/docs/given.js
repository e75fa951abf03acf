/**
 * The reader's own names: what a page may use without declaring it. Their values in the programs of blocks.spec.ts, and by them their
 * types. A page that declares one of them has its own.
 */
import { readFileSync } from 'node:fs';
import { Client, HTTPDispatch } from 'whippet';

export const client = new Client();
export const url = 'https://example.org/anything';
export const request = client.buildRequest('GET', url);
export const token = 'abc123';
export const password = 'secret';
export const rows = Array.from({ length: 1000 }, (_, id) => ({ id, name: `row ${id}` }));
export const inner = new HTTPDispatch();

/** The digest of big.iso, which the origin has, too. */
export const sha256 = process.env.DOCS_SHA256;

/** A certificate with its key, and an authority's. */
export const pemText = readFileSync('me.pem', 'utf8') + readFileSync('me.key', 'utf8');
export const derBytes = Buffer.from(readFileSync('ca.pem', 'utf8').replace(/-----[^-]+-----|\s/g, ''), 'base64');

/** An app, as a Node listener and as a fetch handler. */
export const app = (req, res) => void res.end('Hello World!');
export const api = app;
/** What an app is handed beside the request. */
export const db = {};
export const internal = () => new globalThis.Response('Hello World!');

/** Where the tokens of one's own flow come from. */
export const current = async () => token;
export const renewed = async () => 'def456';

export const controller = new AbortController();
/** @type {AbortSignal} */
export const signal = controller.signal;

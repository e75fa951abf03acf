/**
 * Changing the query of a URL as the text that it is: what is not changed stays as it was written, byte for byte. What the pieces
 * say is read as QueryParams reads them.
 */

import { decodeName, type QueryParams } from './query-params.js';

/** A piece of a query, between two `&`, and the name in it. */
interface Piece {
  name: string;
  text: string;
}

/** Every name of `changes` has the values given there, at its first place or at the end. */
export function mergeParams(query: string, changes: QueryParams): string {
  return merge(query, changes.pieces);
}

/** The same with another query for the changes, whose pieces stay as they are, too. */
export function mergeQuery(query: string, changes: string): string {
  return merge(query, divide(changes));
}

/** Behind what is there. */
export function appendParams(query: string, added: QueryParams): string {
  return query === '' ? added.toString() : `${query}&${added.toString()}`;
}

export function removeParam(query: string, name: string): string {
  return join(divide(query).filter((piece) => piece.text === '' || piece.name !== name));
}

function merge(query: string, changes: readonly Piece[]): string {
  if (query === '') return join(changes);
  const waiting = new Set(changes.map(({ name }) => name));
  const changed = new Set(waiting);
  const result: Piece[] = [];
  for (const piece of divide(query)) {
    if (piece.text === '' || !changed.has(piece.name)) result.push(piece);
    else if (waiting.delete(piece.name)) result.push(...changes.filter(({ name }) => name === piece.name));
  }
  // What was not there goes to the end in the order given, interleaving kept.
  result.push(...changes.filter(({ name }) => waiting.has(name)));
  return join(result);
}

function divide(query: string): Piece[] {
  return query === '' ? [] : query.split('&').map((text) => ({ name: decodeName(text), text }));
}

function join(pieces: readonly Piece[]): string {
  return pieces.map(({ text }) => text).join('&');
}

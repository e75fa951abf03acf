/** What the command's end says: 0, or the kind of the failure. */

export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  clientError: 4,
  serverError: 5,
  signals: 128,
  interrupted: 130,
  terminated: 143,
} as const;

/** Of a response. */
export function exitCodeOf(statusCode: number): number {
  if (statusCode >= 500) return EXIT.serverError;
  return statusCode >= 400 ? EXIT.clientError : EXIT.ok;
}

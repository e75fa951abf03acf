/** How the text of a URL is shown in messages and logs. */

/** 'http://user:password@host' → 'http://[secure]@host', also where the '@' is percent-encoded by mistake. */
export function maskUserinfo(text: string): string {
  const start = text.indexOf('//') + 2;
  const end = Math.max(text.lastIndexOf('@'), text.lastIndexOf('%40'));
  return end < start ? text : `${text.slice(0, start < 2 ? 0 : start)}[secure]${text.slice(end)}`;
}

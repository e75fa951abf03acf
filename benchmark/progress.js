/** One line on a terminal that says what is being measured; nothing elsewhere. */
export function showProgress(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Sizes, rates and times for people. */

const UNITS = ['bytes', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB'];

/** `999 bytes`, `1.23 MB`, `4.29 GB`: powers of ten, three digits. */
export function shownSize(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return `${value.toFixed(digits)} ${UNITS[unit]}`;
}

/** `4,294,967,296 bytes` */
export function shownBytes(bytes: number): string {
  return `${bytes.toLocaleString('en-US')} bytes`;
}

/** `0:42`, `1:02:03`. @param seconds Of any length. */
export function shownClock(seconds: number): string {
  if (!Number.isFinite(seconds)) return '--:--';
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 60) % 60, whole % 60].map((part) => String(part).padStart(2, '0'));
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${parts.join(':')}` : `${Number(parts[0])}:${parts[1]}`;
}

/** `850 µs`, `12.3 ms`, `4.20 s`. */
export function shownTime(milliseconds: number): string {
  if (milliseconds < 1) return `${Math.round(milliseconds * 1000)} µs`;
  if (milliseconds < 1000) return `${milliseconds.toFixed(milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0)} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 2 : 1)} s`;
}

/** What the tour prints: a table with a row per request, and the progress of a download. */
import cliProgress from 'cli-progress';
import Table from 'cli-table3';

/** Collects rows; `print()` writes them as a table. */
export class Report {
  #rows = [];
  /** How many requests did not go as expected. */
  surprises = 0;
  /** How many requests ended with an error. */
  errors = 0;

  /**
   * Sends one request and adds its row.
   *
   * @param {string} method
   * @param {string} url
   * @param {() => Promise<import('../../index.js').Response>} send
   * @param {{ expect?: number | string, reused?: (response: import('../../index.js').Response) => string }} [options]
   *   `expect`: the status, or the error's class and code, that this request is there to show
   */
  async request(method, url, send, { expect, reused = reusedByHeader } = {}) {
    const started = performance.now();
    const row = { method, url, status: '', version: '-', reused: '-', note: '' };
    this.#rows.push(row);
    let response;
    try {
      response = await send();
      row.status = response.statusCode;
      row.version = response.httpVersion;
      row.reused = reused(response);
    } catch (error) {
      this.errors += 1;
      row.status = errorName(error);
      row.note = error.message;
    }
    row.ms = (performance.now() - started).toFixed(1);
    if (expect !== undefined && !String(row.status).startsWith(String(expect))) {
      this.surprises += 1;
      row.status = `${row.status} (expected ${expect})`;
    }
    return response;
  }

  /** How many answers came over a connection that had carried another request before. */
  get reused() {
    return this.#rows.filter((row) => row.reused === 'yes').length;
  }

  /** Counts a surprise unless `fact` holds. */
  expect(fact) {
    if (!fact) this.surprises += 1;
  }

  /** Writes the table, and under it the errors' messages. */
  print() {
    const table = new Table({
      head: ['method', 'URL', 'status', 'version', 'reused?', 'ms'],
      colAligns: ['left', 'left', 'left', 'left', 'left', 'right'],
      style: { head: [], border: [], compact: true },
    });
    for (const { method, url, status, version, reused, ms } of this.#rows) {
      table.push([method, url, status, version, reused, ms]);
    }
    console.log(table.toString());
    for (const { method, url, note } of this.#rows) if (note !== '') console.log(`${method} ${url}\n  ${note}`);
  }
}

/** The class, and the system's code where there is one: `ConnectError ECONNREFUSED`. */
function errorName({ name, code = '' }) {
  return code === '' || code.startsWith('ERR_') ? name : `${name} ${code}`;
}

/** The tour's own origin says it. */
function reusedByHeader(response) {
  const count = response.headers.get('x-socket-request');
  if (count === undefined) return '-';
  return Number(count) > 1 ? 'yes' : 'no';
}

/** A bar on a terminal, a line per quarter elsewhere. */
export class Progress {
  #bar = null;
  #name;
  #total;
  #quarter = 0;

  constructor(name, total) {
    this.#name = name;
    this.#total = total;
    if (process.stdout.isTTY) {
      const format = `${name} {bar} {percentage}% | {value}/{total} KiB`;
      const options = { format, stream: process.stdout, hideCursor: false };
      this.#bar = new cliProgress.SingleBar(options, cliProgress.Presets.shades_classic);
      this.#bar.start(Math.round(total / 1024), 0);
    }
  }

  update(received) {
    if (this.#bar !== null) this.#bar.update(Math.round(received / 1024));
    else {
      const quarter = Math.floor((received / this.#total) * 4);
      if (quarter > this.#quarter) console.log(`${this.#name} ${quarter * 25}% (${Math.round(received / 1024)} KiB)`);
      this.#quarter = quarter;
    }
  }

  stop() {
    this.#bar?.stop();
  }
}

/** Ctrl+C: what is under way ends, and the exit code is 130. */
export class Interrupted extends Error {
  constructor() {
    super('interrupted');
    this.name = 'Interrupted';
  }
}

/** What is used of cli-progress, which has no types of its own. */
declare module 'cli-progress' {
  export class SingleBar {
    constructor(options: {
      format: () => string;
      stream: NodeJS.WritableStream;
      hideCursor: boolean;
      linewrap: boolean;
      clearOnComplete: boolean;
      gracefulExit: boolean;
      fps: number;
    });
    start(total: number, value: number): void;
    setTotal(total: number): void;
    update(value: number): void;
    stop(): void;
  }
}

/** Lines that wait for as long as a question stands on the screen: they would be written into it. */
export class HeldLines {
  #lines: string[] | undefined;

  get isHolding(): boolean {
    return this.#lines !== undefined;
  }

  /** @returns whether the line waits; otherwise it is to be written now */
  take(line: string): boolean {
    this.#lines?.push(line);
    return this.isHolding;
  }

  /** @param write gets the lines that have waited, once there is an answer */
  async during<T>(question: () => Promise<T>, write: (line: string) => void): Promise<T> {
    this.#lines = [];
    try {
      return await question();
    } finally {
      const lines = this.#lines;
      this.#lines = undefined;
      for (const line of lines) write(line);
    }
  }
}

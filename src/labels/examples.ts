/** How many, and the first few of them. */
export interface Examples {
  readonly count: number;
  /** At most five, in the order of meeting. */
  readonly examples: readonly string[];
}

const MOST = 5;

/** Counts without end, remembers five: 162,000 images without a row must not fill a report. */
export class ExampleCounter {
  #count = 0;
  readonly #examples: string[] = [];

  add(example: string): void {
    this.#count += 1;
    if (this.#examples.length < MOST) this.#examples.push(example);
  }

  addAll({ count, examples }: Examples): void {
    this.#count += count;
    this.#examples.push(...examples.slice(0, MOST - this.#examples.length));
  }

  examples(): Examples {
    return { count: this.#count, examples: [...this.#examples] };
  }
}

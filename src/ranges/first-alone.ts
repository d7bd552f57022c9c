/** Lets one piece of work begin alone. The others wait until it goes well, or fail as it does. */
export class FirstAlone {
  #isReleased: boolean;
  #onReleased: () => void = () => undefined;
  readonly #released: Promise<void>;
  #first: Promise<void> | undefined;

  /** @param isReleased nothing has to wait */
  constructor(isReleased: boolean) {
    this.#isReleased = isReleased;
    this.#released = new Promise((resolve) => {
      this.#onReleased = resolve;
    });
  }

  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** The first has shown that the others make sense, though it may not be over: none waits any longer. */
  release(): void {
    this.#isReleased = true;
    this.#onReleased();
  }

  /** @throws what `work` throws; what the first has thrown before it was released */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.#isReleased) return work();
    if (this.#first === undefined) {
      this.#first = work();
      return this.#first;
    }
    await Promise.race([this.#first, this.#released]);
    return work();
  }
}

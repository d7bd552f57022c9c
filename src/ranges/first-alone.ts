/** Lets one piece of work begin alone. The others wait until it goes well, or fail as it does. */
export class FirstAlone {
  #isConfirmed: boolean;
  #onConfirmed: () => void = () => undefined;
  readonly #confirmed: Promise<void>;
  #first: Promise<void> | undefined;

  /** @param isConfirmed nothing has to wait */
  constructor(isConfirmed: boolean) {
    this.#isConfirmed = isConfirmed;
    this.#confirmed = new Promise((resolve) => {
      this.#onConfirmed = resolve;
    });
  }

  get isConfirmed(): boolean {
    return this.#isConfirmed;
  }

  /** The first has shown that the others make sense; it need not be over. */
  confirm(): void {
    this.#isConfirmed = true;
    this.#onConfirmed();
  }

  /** @throws what `work` throws; what the first has thrown before it was confirmed */
  async run(work: () => Promise<void>): Promise<void> {
    if (this.#isConfirmed) return work();
    if (this.#first === undefined) {
      this.#first = work();
      return this.#first;
    }
    await Promise.race([this.#first, this.#confirmed]);
    return work();
  }
}

import type { LeftExample, LeftFiles, LeftWhy } from './types.ts';

/** Of each reason: a folder may have a million files that differ. */
const MAX_EXAMPLES = 20;

/** Collects what is left where it is, and why. */
export class LeftBehind {
  readonly #groups = new Map<LeftWhy, { count: number; readonly examples: LeftExample[] }>();

  add(why: LeftWhy, path: string, message: string | null = null): void {
    const group = this.#groups.get(why) ?? { count: 0, examples: [] };
    this.#groups.set(why, group);
    group.count += 1;
    if (group.examples.length < MAX_EXAMPLES) group.examples.push({ path, message });
  }

  groups(): readonly LeftFiles[] {
    return [...this.#groups].map(([why, { count, examples }]) => ({ why, count, examples }));
  }
}

/** Chance that comes out the same for a seed, on every machine and engine. */
export interface Random {
  /** 0 <= x < 1 */
  next(): number;
  /** from <= x < to */
  between(from: number, to: number): number;
  /** A whole number, 0 <= n < below. */
  int(below: number): number;
}

/** sfc32 by Chris Doty-Humphrey, seeded from a text: 32-bit integer steps, exact everywhere. */
export function createRandom(seed: string): Random {
  let [a, b, c] = [hash(seed, 0x9e3779b9), hash(seed, 0x243f6a88), hash(seed, 0xb7e15162)];
  let counter = 1;
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 0x1_0000_0000;
  };
  // The first few still show the seed.
  for (let i = 0; i < 12; i += 1) next();
  return {
    next,
    between: (from, to) => from + next() * (to - from),
    int: (below) => Math.floor(next() * below),
  };
}

/** FNV-1a over the UTF-16 units of a text. */
function hash(text: string, basis: number): number {
  let value = basis | 0;
  for (let i = 0; i < text.length; i += 1) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  }
  return value;
}

/** A copy in another order. */
export function shuffled<T>(items: readonly T[], random: Random): readonly T[] {
  const keys = items.map((item) => ({ item, key: random.next() }));
  return keys.sort((a, b) => a.key - b.key).map(({ item }) => item);
}

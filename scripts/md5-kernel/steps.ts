/** The words of an MD5's state. */
export type Word = 'a' | 'b' | 'c' | 'd';

/** One of RFC 1321's 64 steps (section 3.4): a = b + ((a + f(b, c, d) + X[k] + T[i]) <<< s). */
export interface Step {
  /** 0 to 3, for the RFC's F, G, H and I. */
  readonly round: number;
  /** Which word of the state plays which part: they move on by one each step. */
  readonly words: readonly [Word, Word, Word, Word];
  /** k: the word of the block that is added. */
  readonly message: number;
  /** T[i], an unsigned 32-bit number. */
  readonly constant: number;
  /** s: how far it is rotated to the left. */
  readonly shift: number;
}

const SHIFTS = [
  [7, 12, 17, 22],
  [5, 9, 14, 20],
  [4, 11, 16, 23],
  [6, 10, 15, 21],
];

/** X[k] of the RFC's tables, as the formulas behind them: k = (factor * i + start) mod 16. */
const MESSAGES = [
  { factor: 1, start: 0 },
  { factor: 5, start: 1 },
  { factor: 3, start: 5 },
  { factor: 7, start: 0 },
];

const WORDS: readonly (readonly [Word, Word, Word, Word])[] = [
  ['a', 'b', 'c', 'd'],
  ['d', 'a', 'b', 'c'],
  ['c', 'd', 'a', 'b'],
  ['b', 'c', 'd', 'a'],
];

export const STEPS: readonly Step[] = Array.from({ length: 64 }, (_, at) => {
  const round = at >> 4;
  const { factor, start } = MESSAGES[round]!;
  return {
    round,
    words: WORDS[at % 4]!,
    message: (factor * at + start) % 16,
    constant: Math.floor(2 ** 32 * Math.abs(Math.sin(at + 1))),
    shift: SHIFTS[round]![at % 4]!,
  };
});

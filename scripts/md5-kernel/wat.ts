// The kernels in WebAssembly's text format. A kernel takes the state of its lanes, and the place of
// each lane's next block, from where src/hash/kernel.ts says; runs over so many blocks of
// each; and leaves the new state there.
import {
  BLOCK_BYTES,
  CONSTANTS_AT,
  GROUP_STATE_BYTES,
  LANES_A_GROUP,
  MEMORY_PAGES,
  PINS_AT,
  POINTERS_AT,
  STATE_AT,
} from '../../src/hash/kernel.ts';
import { STEPS, type Step, type Word } from './steps.ts';

const STATE: readonly Word[] = ['a', 'b', 'c', 'd'];
const VECTOR_BYTES = 16;
const WORD_BYTES = 4;

const get = (name: string) => `(local.get $${name})`;
const set = (name: string, value: string) => `(local.set $${name} ${value})`;
const zero = '(i32.const 0)';

/** How a word of the state is kept and worked with: alone, or in four lanes of a vector. */
interface Arithmetic {
  readonly type: 'i32' | 'v128';
  readonly add: (x: string, y: string) => string;
  readonly and: (x: string, y: string) => string;
  readonly or: (x: string, y: string) => string;
  readonly xor: (x: string, y: string) => string;
  readonly not: (x: string) => string;
  /** @param x of a local: it may be read twice */
  readonly rotate: (x: string, bits: number) => string;
  /** T[i] of a step. */
  readonly constant: (step: Step) => string;
}

const scalar: Arithmetic = {
  type: 'i32',
  add: (x, y) => `(i32.add ${x} ${y})`,
  and: (x, y) => `(i32.and ${x} ${y})`,
  or: (x, y) => `(i32.or ${x} ${y})`,
  xor: (x, y) => `(i32.xor ${x} ${y})`,
  not: (x) => `(i32.xor ${x} (i32.const -1))`,
  rotate: (x, bits) => `(i32.rotl ${x} (i32.const ${bits}))`,
  constant: ({ constant }) => `(i32.const ${constant | 0})`,
};

const vector: Arithmetic = {
  type: 'v128',
  add: (x, y) => `(i32x4.add ${x} ${y})`,
  and: (x, y) => `(v128.and ${x} ${y})`,
  or: (x, y) => `(v128.or ${x} ${y})`,
  xor: (x, y) => `(v128.xor ${x} ${y})`,
  not: (x) => `(v128.not ${x})`,
  rotate: (x, bits) =>
    bits === 16
      ? shuffle(HALVES_SWAPPED, x, x)
      : `(v128.or (i32x4.shl ${x} (i32.const ${bits})) (i32x4.shr_u ${x} (i32.const ${32 - bits})))`,
  // From memory: V8 makes a vector of constants with three instructions, and loads one with one.
  constant: (step) =>
    `(v128.load32_splat offset=${CONSTANTS_AT + STEPS.indexOf(step) * WORD_BYTES} ${zero})`,
};

const shuffle = (bytes: string, x: string, y: string) => `(i8x16.shuffle ${bytes} ${x} ${y})`;
const HALVES_SWAPPED = '2 3 0 1 6 7 4 5 10 11 8 9 14 15 12 13';
/** Words and pairs of words of two vectors, taken in turns: from their lower or their upper half. */
const LOWER_WORDS = '0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23';
const UPPER_WORDS = '8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31';
const LOWER_PAIRS = '0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23';
const UPPER_PAIRS = '8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31';

/**
 * F, G, H and I, plus a sum. Written so that what does not need b, the step before's result, can be
 * worked out while that is under way.
 */
function plusFunction(how: Arithmetic, { round, words }: Step, sum: string, tag: string): string {
  const [b, c, d] = [get(words[1] + tag), get(words[2] + tag), get(words[3] + tag)];
  const { add, and, or, xor, not } = how;
  if (round === 0) return add(sum, xor(d, and(b, xor(c, d))));
  // The two parts have no bit in common: they can be added, one after the other.
  if (round === 1) return add(add(sum, and(c, not(d))), and(b, d));
  if (round === 2) return add(sum, xor(b, xor(c, d)));
  return add(sum, xor(c, or(b, not(d))));
}

/** All steps of a block, in turns over groups of lanes. @param message X[k] of a group */
function steps(
  how: Arithmetic,
  groups: readonly number[],
  message: (group: number, k: number) => string,
): string[] {
  return STEPS.flatMap((step, at) => [
    ...groups.map((group) => {
      const a = step.words[0] + String(group);
      const sum = how.add(get(a), how.add(message(group, step.message), how.constant(step)));
      return set(a, plusFunction(how, step, sum, String(group)));
    }),
    ...groups.map((group) => {
      const [a, b] = [step.words[0] + String(group), step.words[1] + String(group)];
      return set(a, how.add(get(b), how.rotate(get(a), step.shift)));
    }),
    ...(groups.length > 1 && at % 4 === 3 ? groups.map((group) => pin(group, step)) : []),
  ]);
}

/**
 * Keeps the groups in turns. V8's optimizing compiler (Node 20 and 22) puts what depends on each
 * other side by side: all of one group, then all of the other, and each waits for itself. It keeps
 * the order of stores: one for every four steps was measured to be enough (4.2 GB/s against 2.7).
 */
function pin(group: number, { words }: Step): string {
  const place = PINS_AT + group * VECTOR_BYTES;
  return `(v128.store offset=${place} ${zero} ${get(words[0] + String(group))})`;
}

/** Four blocks, one of each lane, into 16 vectors that hold one word of each of the four. */
function transpose(group: number): string[] {
  const row = (lane: number) => get(`t${lane}_${group}`);
  return [0, 1, 2, 3].flatMap((quarter) => [
    ...[0, 1, 2, 3].map((lane) =>
      set(
        `t${lane}_${group}`,
        `(v128.load offset=${quarter * VECTOR_BYTES} align=1 ${get(`p${lane}_${group}`)})`,
      ),
    ),
    set(`u0_${group}`, shuffle(LOWER_WORDS, row(0), row(1))),
    set(`u1_${group}`, shuffle(LOWER_WORDS, row(2), row(3))),
    set(`u2_${group}`, shuffle(UPPER_WORDS, row(0), row(1))),
    set(`u3_${group}`, shuffle(UPPER_WORDS, row(2), row(3))),
    ...[0, 1, 2, 3].map((word) => {
      const [x, y] = word < 2 ? ['u0', 'u1'] : ['u2', 'u3'];
      const pairs = word % 2 === 0 ? LOWER_PAIRS : UPPER_PAIRS;
      const mixed = shuffle(pairs, get(`${x}_${group}`), get(`${y}_${group}`));
      return set(`m${quarter * 4 + word}_${group}`, mixed);
    }),
  ]);
}

/** A function over all blocks, around what is done with one. */
function kernel(
  name: string,
  locals: readonly string[],
  body: { readonly before: string[]; readonly each: string[]; readonly after: string[] },
): string[] {
  return [
    `(func (export "${name}") (param $blocks i32)`,
    ...locals,
    ...body.before,
    '(block $done (loop $next',
    `(br_if $done (i32.eqz ${get('blocks')}))`,
    ...body.each,
    set('blocks', `(i32.sub ${get('blocks')} (i32.const 1))`),
    '(br $next)))',
    ...body.after,
    ')',
  ];
}

const range = (length: number) => Array.from({ length }, (_, at) => at);
const local = (type: string) => (name: string) => `(local $${name} ${type})`;

/** The state of before a block is added to what the block has made of it. */
function around(how: Arithmetic, groups: readonly number[], work: string[]): string[] {
  const each = (make: (word: Word, group: number) => string) =>
    groups.flatMap((group) => STATE.map((word) => make(word, group)));
  return [
    ...each((word, group) => set(`old_${word}${group}`, get(`${word}${group}`))),
    ...work,
    ...each((word, group) =>
      set(`${word}${group}`, how.add(get(`${word}${group}`), get(`old_${word}${group}`))),
    ),
  ];
}

const advance = (pointer: string) =>
  set(pointer, `(i32.add ${get(pointer)} (i32.const ${BLOCK_BYTES}))`);
const pointerOf = (lane: number) => `(i32.load offset=${POINTERS_AT + lane * WORD_BYTES} ${zero})`;

/** @param groupCount of four lanes each */
function vectorKernel(name: string, groupCount: number): string[] {
  const groups = range(groupCount);
  const lanes = range(LANES_A_GROUP);
  const stateAt = (group: number, word: number) =>
    STATE_AT + group * GROUP_STATE_BYTES + word * VECTOR_BYTES;
  const vectors = groups.flatMap((group) => [
    ...STATE.flatMap((word) => [`${word}${group}`, `old_${word}${group}`]),
    ...lanes.flatMap((lane) => [`t${lane}_${group}`, `u${lane}_${group}`]),
    ...range(16).map((word) => `m${word}_${group}`),
  ]);
  const pointers = groups.flatMap((group) => lanes.map((lane) => `p${lane}_${group}`));
  return kernel(name, [...vectors.map(local('v128')), ...pointers.map(local('i32'))], {
    before: [
      ...groups.flatMap((group) =>
        STATE.map((word, at) =>
          set(`${word}${group}`, `(v128.load offset=${stateAt(group, at)} ${zero})`),
        ),
      ),
      ...pointers.map((pointer, lane) => set(pointer, pointerOf(lane))),
    ],
    each: around(vector, groups, [
      ...groups.flatMap(transpose),
      ...steps(vector, groups, (group, k) => get(`m${k}_${group}`)),
      ...pointers.map(advance),
    ]),
    after: groups.flatMap((group) =>
      STATE.map(
        (word, at) => `(v128.store offset=${stateAt(group, at)} ${zero} ${get(`${word}${group}`)})`,
      ),
    ),
  });
}

/** Of the first lane alone. */
function scalarKernel(name: string): string[] {
  const stateAt = (word: number) => STATE_AT + word * VECTOR_BYTES;
  const words = STATE.flatMap((word) => [`${word}0`, `old_${word}0`]);
  return kernel(name, [...words, 'p'].map(local('i32')), {
    before: [
      ...STATE.map((word, at) => set(`${word}0`, `(i32.load offset=${stateAt(at)} ${zero})`)),
      set('p', pointerOf(0)),
    ],
    each: around(
      scalar,
      [0],
      [
        ...steps(scalar, [0], (_, k) => `(i32.load offset=${k * WORD_BYTES} align=1 ${get('p')})`),
        advance('p'),
      ],
    ),
    after: STATE.map((word, at) => `(i32.store offset=${stateAt(at)} ${zero} ${get(`${word}0`)})`),
  });
}

function module(...parts: readonly string[]): string {
  const memory = `(import "env" "memory" (memory ${MEMORY_PAGES}))`;
  return ['(module', memory, ...parts, ')'].join('\n');
}

/** T[1] to T[64], as they lie in memory: the lowest byte first. */
function constants(): string {
  const bytes = STEPS.flatMap(({ constant }) =>
    [0, 8, 16, 24].map((shift) => ((constant >>> shift) & 0xff).toString(16).padStart(2, '0')),
  );
  return `(data (i32.const ${CONSTANTS_AT}) "${bytes.map((byte) => `\\${byte}`).join('')}")`;
}

/** `hash8` and `hash4`, for engines with 128-bit SIMD. */
export const simdModule = () =>
  module(constants(), ...vectorKernel('hash8', 2), ...vectorKernel('hash4', 1));

/** `hash1`, for every engine. */
export const scalarModule = () => module(...scalarKernel('hash1'));

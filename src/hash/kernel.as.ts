// The MD5 kernels in AssemblyScript: RFC 1321 for one message, and for four or eight messages in
// lock-step, in the lanes of one or two vectors. `npm run kernels` compiles this file to
// kernel.generated.ts; kernel.ts lays out the memory and calls `hash1`, `hash4` and `hash8`.

/** A, B, C and D of each lane: 16 bytes a lane. */
const STATES: usize = 0;
/** The address of the next block of each lane: 4 bytes a lane. */
const POINTERS: usize = 128;
/** T[1] to T[64] of section 3.4. The compiler puts them at 256 (scripts/kernels.ts). */
const T = memory.data<u32>([
  0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
  0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
  0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
  0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
  0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
  0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
  0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
  0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
]);
/** The states of four lanes as four vectors, the first with the four A's: 64 bytes a group. */
const STATE_VECTORS: usize = 512;
/** The blocks of four lanes as 16 vectors, the first with the four X[0]: 256 bytes a group. */
const BLOCK_VECTORS: usize = 1024;
/** Where `pinned` stores. */
const PIN: usize = 2048;

// A word W is a u32 of one lane, or a v128 of four. `isVector` is decided by the compiler.

@inline function add<W>(x: W, y: W): W { return isVector<W>() ? i32x4.add(x, y) : x + y; }
@inline function and<W>(x: W, y: W): W { return isVector<W>() ? v128.and(x, y) : x & y; }
@inline function or<W>(x: W, y: W): W { return isVector<W>() ? v128.or(x, y) : x | y; }
@inline function xor<W>(x: W, y: W): W { return isVector<W>() ? v128.xor(x, y) : x ^ y; }
@inline function not<W>(x: W): W { return isVector<W>() ? v128.not(x) : ~x; }

@inline function rotate<W>(x: W, bits: i32): W {
  if (!isVector<W>()) return rotl<u32>(x, bits);
  if (bits == 16) return v128.shuffle<u16>(x, x, 1, 0, 3, 2, 5, 4, 7, 6);
  return v128.or(i32x4.shl(x, bits), i32x4.shr_u(x, 32 - bits));
}

/**
 * A dead store. V8 keeps the order of stores, so it can't move the steps of one group behind those of
 * the other, where each would wait for itself (docs/decisions.md).
 */
@inline function pinned<W>(x: W): W {
  if (isVector<W>()) v128.store(PIN, x);
  return x;
}

/** a + X[k] + T[i]. T comes from memory: V8 needs three instructions for a vector constant. */
@inline function sum<W>(a: W, block: usize, k: usize, i: usize): W {
  const x = load<W>(block + (k & 15) * sizeof<W>());
  const t = isVector<W>() ? v128.load_splat<u32>(T + i * 4) : load<u32>(T + i * 4);
  return add(a, add(x, t));
}

// A step of each round: a = b + ((a + F(b, c, d) + X[k] + T[i]) <<< s), with F, G, H or I. What does not
// need b, the result of the step before, is computed first. T is counted from 0 here.

@inline function stepF<W>(a: W, b: W, c: W, d: W, block: usize, k: usize, i: usize, s: i32): W {
  return pinned(add(b, rotate(add(sum(a, block, k, i), xor(d, and(b, xor(c, d)))), s)));
}

@inline function stepG<W>(a: W, b: W, c: W, d: W, block: usize, k: usize, i: usize, s: i32): W {
  // The two parts of G have no bit in common, so they can be added one after the other.
  return pinned(add(b, rotate(add(add(sum(a, block, k, i), and(c, not(d))), and(b, d)), s)));
}

@inline function stepH<W>(a: W, b: W, c: W, d: W, block: usize, k: usize, i: usize, s: i32): W {
  return pinned(add(b, rotate(add(sum(a, block, k, i), xor(b, xor(c, d))), s)));
}

@inline function stepI<W>(a: W, b: W, c: W, d: W, block: usize, k: usize, i: usize, s: i32): W {
  return pinned(add(b, rotate(add(sum(a, block, k, i), xor(c, or(b, not(d)))), s)));
}

/** Four words from each of four addresses become four vectors, the first with all first words. */
@inline function transpose(p0: usize, p1: usize, p2: usize, p3: usize, to: usize): void {
  const r0 = v128.load(p0), r1 = v128.load(p1), r2 = v128.load(p2), r3 = v128.load(p3);
  const low0 = v128.shuffle<u32>(r0, r1, 0, 4, 1, 5);
  const low1 = v128.shuffle<u32>(r2, r3, 0, 4, 1, 5);
  const high0 = v128.shuffle<u32>(r0, r1, 2, 6, 3, 7);
  const high1 = v128.shuffle<u32>(r2, r3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<u64>(low0, low1, 0, 2));
  v128.store(to, v128.shuffle<u64>(low0, low1, 1, 3), 16);
  v128.store(to, v128.shuffle<u64>(high0, high1, 0, 2), 32);
  v128.store(to, v128.shuffle<u64>(high0, high1, 1, 3), 48);
}

/** Loads the next block of each of four lanes as vectors, and advances the pointers. */
@inline function takeBlocks(pointers: usize, to: usize): void {
  const p0: usize = load<u32>(pointers), p1: usize = load<u32>(pointers, 4);
  const p2: usize = load<u32>(pointers, 8), p3: usize = load<u32>(pointers, 12);
  for (let at: usize = 0; at < 64; at += 16) {
    transpose(p0 + at, p1 + at, p2 + at, p3 + at, to + at * 4);
  }
  v128.store(pointers, i32x4.add(v128.load(pointers), i32x4.splat(64)));
}

/** From lanes to vectors, or back. */
@inline function transposeStates(from: usize, to: usize): void {
  transpose(from, from + 16, from + 32, from + 48, to);
}

/** Continues the MD5s of one lane, of four, or with `two` groups of eight. */
@inline function hash<W>(blocks: u32, two: bool): void {
  const size = sizeof<W>();
  if (isVector<W>()) {
    transposeStates(STATES, STATE_VECTORS);
    if (two) transposeStates(STATES + 64, STATE_VECTORS + 64);
  }
  const state = isVector<W>() ? STATE_VECTORS : STATES;
  let a0 = load<W>(state), b0 = load<W>(state + size);
  let c0 = load<W>(state + 2 * size), d0 = load<W>(state + 3 * size);
  let a1 = load<W>(state + 4 * size), b1 = load<W>(state + 5 * size);
  let c1 = load<W>(state + 6 * size), d1 = load<W>(state + 7 * size);
  let x0: usize = isVector<W>() ? BLOCK_VECTORS : load<u32>(POINTERS);
  const x1: usize = BLOCK_VECTORS + 256;

  for (; blocks > 0; blocks--) {
    if (isVector<W>()) {
      takeBlocks(POINTERS, x0);
      if (two) takeBlocks(POINTERS + 16, x1);
    }
    const oldA0 = a0, oldB0 = b0, oldC0 = c0, oldD0 = d0;
    const oldA1 = a1, oldB1 = b1, oldC1 = c1, oldD1 = d1;
    for (let i: usize = 0; i < 16; i += 4) {
      a0 = stepF(a0, b0, c0, d0, x0, i, i, 7);
      if (two) a1 = stepF(a1, b1, c1, d1, x1, i, i, 7);
      d0 = stepF(d0, a0, b0, c0, x0, i + 1, i + 1, 12);
      if (two) d1 = stepF(d1, a1, b1, c1, x1, i + 1, i + 1, 12);
      c0 = stepF(c0, d0, a0, b0, x0, i + 2, i + 2, 17);
      if (two) c1 = stepF(c1, d1, a1, b1, x1, i + 2, i + 2, 17);
      b0 = stepF(b0, c0, d0, a0, x0, i + 3, i + 3, 22);
      if (two) b1 = stepF(b1, c1, d1, a1, x1, i + 3, i + 3, 22);
    }
    for (let i: usize = 16; i < 32; i += 4) {
      const k = i * 5;
      a0 = stepG(a0, b0, c0, d0, x0, k + 1, i, 5);
      if (two) a1 = stepG(a1, b1, c1, d1, x1, k + 1, i, 5);
      d0 = stepG(d0, a0, b0, c0, x0, k + 6, i + 1, 9);
      if (two) d1 = stepG(d1, a1, b1, c1, x1, k + 6, i + 1, 9);
      c0 = stepG(c0, d0, a0, b0, x0, k + 11, i + 2, 14);
      if (two) c1 = stepG(c1, d1, a1, b1, x1, k + 11, i + 2, 14);
      b0 = stepG(b0, c0, d0, a0, x0, k + 16, i + 3, 20);
      if (two) b1 = stepG(b1, c1, d1, a1, x1, k + 16, i + 3, 20);
    }
    for (let i: usize = 32; i < 48; i += 4) {
      const k = i * 3;
      a0 = stepH(a0, b0, c0, d0, x0, k + 5, i, 4);
      if (two) a1 = stepH(a1, b1, c1, d1, x1, k + 5, i, 4);
      d0 = stepH(d0, a0, b0, c0, x0, k + 8, i + 1, 11);
      if (two) d1 = stepH(d1, a1, b1, c1, x1, k + 8, i + 1, 11);
      c0 = stepH(c0, d0, a0, b0, x0, k + 11, i + 2, 16);
      if (two) c1 = stepH(c1, d1, a1, b1, x1, k + 11, i + 2, 16);
      b0 = stepH(b0, c0, d0, a0, x0, k + 14, i + 3, 23);
      if (two) b1 = stepH(b1, c1, d1, a1, x1, k + 14, i + 3, 23);
    }
    for (let i: usize = 48; i < 64; i += 4) {
      const k = i * 7;
      a0 = stepI(a0, b0, c0, d0, x0, k, i, 6);
      if (two) a1 = stepI(a1, b1, c1, d1, x1, k, i, 6);
      d0 = stepI(d0, a0, b0, c0, x0, k + 7, i + 1, 10);
      if (two) d1 = stepI(d1, a1, b1, c1, x1, k + 7, i + 1, 10);
      c0 = stepI(c0, d0, a0, b0, x0, k + 14, i + 2, 15);
      if (two) c1 = stepI(c1, d1, a1, b1, x1, k + 14, i + 2, 15);
      b0 = stepI(b0, c0, d0, a0, x0, k + 21, i + 3, 21);
      if (two) b1 = stepI(b1, c1, d1, a1, x1, k + 21, i + 3, 21);
    }
    a0 = add(a0, oldA0), b0 = add(b0, oldB0), c0 = add(c0, oldC0), d0 = add(d0, oldD0);
    if (two) a1 = add(a1, oldA1), b1 = add(b1, oldB1), c1 = add(c1, oldC1), d1 = add(d1, oldD1);
    if (!isVector<W>()) x0 += 64;
  }

  store<W>(state, a0);
  store<W>(state + size, b0);
  store<W>(state + 2 * size, c0);
  store<W>(state + 3 * size, d0);
  if (isVector<W>()) {
    transposeStates(STATE_VECTORS, STATES);
    if (two) {
      store<W>(state + 4 * size, a1);
      store<W>(state + 5 * size, b1);
      store<W>(state + 6 * size, c1);
      store<W>(state + 7 * size, d1);
      transposeStates(STATE_VECTORS + 64, STATES + 64);
    }
  }
}

export function hash1(blocks: u32): void { hash<u32>(blocks, false); }
export function hash4(blocks: u32): void { if (ASC_FEATURE_SIMD) hash<v128>(blocks, false); }
export function hash8(blocks: u32): void { if (ASC_FEATURE_SIMD) hash<v128>(blocks, true); }

// Deflate decoder (RFC 1951) for four streams in lock-step, in AssemblyScript: inflater.ts calls it.
// `npm run kernels` compiles it to kernel.generated.ts.
//
// Deflated JPEGs are almost all literals. Each code's position is known only when the code before it is
// decoded, and that takes a table load: one stream leaves the processor waiting for most of the time. Four
// streams fill each other's waits. Only literals with short codes are decoded in lock-step; all else
// is left to `decode`. The position of a stream is the index of the last bit used: so the lowest bit of a
// load from there is an old one, and with its neighbours it is the offset into a table of 16-bit entries.

import {
  BITS_MASK, COUNT_SHIFT, DISTANCE_BITS, DISTANCE_INDEX, IS_LITERAL, IS_LONG, LENGTHS, LITERAL_BITS,
  LITERAL_INDEX, OTHERS_BEHIND, SYMBOLS, bitsAt, build, longCode, low, readLengths,
} from './codes.as';

const STREAMS: u32 = 4;
/** As in inflater.ts. */
const MAX_STREAM_BYTES: u32 = 2 * 1024 * 1024;

/** The sum of a round: a load of 64 bits has at least 56 new ones, five codes of LITERAL_BITS. */
const ALL_LITERALS: u32 = 5 * IS_LITERAL;

/** What a stream is doing. ENDED: its last block is decoded. */
const RUNNING: u32 = 0;
const ENDED: u32 = 1;
const BAD: u32 = 2;
const IDLE: u32 = 3;

/** The head of a stream's state; the tables of its current block follow. */
@unmanaged
class Stream {
  position: u32;
  maxPosition: u32;
  out: u32;
  outStart: u32;
  maxOut: u32;
  status: u32;
  isLastBlock: u32;
}

// Offsets of the tables in a stream's state: see codes.as.ts.
const LITERALS: u32 = 32;
const OTHERS: u32 = LITERALS + OTHERS_BEHIND;
const DISTANCES: u32 = OTHERS + (2 << LITERAL_BITS);
const LITERAL_CODES: u32 = DISTANCES + (2 << DISTANCE_BITS);
const DISTANCE_CODES: u32 = LITERAL_CODES + SYMBOLS + 2 * 288;
const STATE_BYTES: u32 = 6144;

/** A step that begins in front of a buffer's end may read or write so far beyond it. */
const IN_SLACK_BYTES: u32 = 64;
const OUT_SLACK_BYTES: u32 = 512;
/** A stream is stopped when it is so far beyond its end. */
const TOLERATED_BYTES: u32 = 32;

const STREAMS_AT: u32 = 4096;
const BUFFERS_AT: u32 = STREAMS_AT + STREAMS * STATE_BYTES + IN_SLACK_BYTES;
const IN_BYTES: u32 = MAX_STREAM_BYTES + IN_SLACK_BYTES;
const BUFFER_BYTES: u32 = IN_BYTES + MAX_STREAM_BYTES + OUT_SLACK_BYTES;
const MEMORY_BYTES: u32 = BUFFERS_AT + STREAMS * BUFFER_BYTES + IN_SLACK_BYTES;

/** The base of each length and distance with the number of its extra bits (3.2.5). */
const LENGTH_BASES = memory.data<u16>([
  3, 0, 4, 0, 5, 0, 6, 0, 7, 0, 8, 0, 9, 0, 10, 0, 11, 1, 13, 1, 15, 1, 17, 1, 19, 2, 23, 2, 27, 2, 31, 2,
  35, 3, 43, 3, 51, 3, 59, 3, 67, 4, 83, 4, 99, 4, 115, 4, 131, 5, 163, 5, 195, 5, 227, 5, 258, 0,
]);
const DISTANCE_BASES = memory.data<u16>([
  1, 0, 2, 0, 3, 0, 4, 0, 5, 1, 7, 1, 9, 2, 13, 2, 17, 3, 25, 3, 33, 4, 49, 4, 65, 5, 97, 5, 129, 6, 193, 6,
  257, 7, 385, 7, 513, 8, 769, 8, 1025, 9, 1537, 9, 2049, 10, 3073, 10, 4097, 11, 6145, 11, 8193, 12,
  12289, 12, 16385, 13, 24577, 13,
]);

if (__heap_base > <usize>STREAMS_AT || memory.grow(<i32>(MEMORY_BYTES >> 16)) < 0) unreachable();
for (let slot: u32 = 0; slot < STREAMS; slot++) release(slot);

@inline
function streamAt(slot: u32): Stream { return changetype<Stream>(STREAMS_AT + slot * STATE_BYTES); }

/** Where the packed bytes of a stream are to be put. @param slot below STREAMS */
export function packedAt(slot: u32): u32 { return BUFFERS_AT + slot * BUFFER_BYTES; }

/** Where its content is when it has ended. */
export function contentAt(slot: u32): u32 { return packedAt(slot) + IN_BYTES; }

/** Begins with the bytes at `packedAt`. @param bytes that they must unpack to */
export function begin(slot: u32, packedBytes: u32, bytes: u32): void {
  const stream = streamAt(slot);
  stream.position = packedAt(slot) * 8 - 1;
  stream.maxPosition = (packedAt(slot) + packedBytes + TOLERATED_BYTES) * 8;
  stream.out = stream.outStart = contentAt(slot);
  stream.maxOut = stream.out + bytes + TOLERATED_BYTES;
  stream.status = RUNNING;
  openBlock(stream);
}

/** RUNNING; ENDED: with exactly these bytes, made of every packed byte; BAD. */
export function statusOf(slot: u32, packedBytes: u32, bytes: u32): u32 {
  const stream = streamAt(slot);
  if (stream.status != ENDED) return stream.status;
  // The last bit used lies in the last byte.
  const isAllUsed = (stream.position >> 3) + 1 == packedAt(slot) + packedBytes;
  return isAllUsed && stream.out == contentAt(slot) + bytes ? ENDED : BAD;
}

/** Ends a stream. An idle one takes part in `run`: it makes literals of no bits, for nobody. */
export function release(slot: u32): void {
  const stream = streamAt(slot);
  stream.status = IDLE;
  stream.position = 0;
  stream.maxPosition = <u32>i32.MAX_VALUE;
  stream.maxOut = contentAt(slot) + MAX_STREAM_BYTES;
  const table = changetype<u32>(stream) + LITERALS;
  for (let at: u32 = 0; at <= LITERAL_INDEX; at += 2) store<u16>(table + at, IS_LITERAL);
}

/** Rounds that are safe: each uses less than 64 bits, and makes less than 8 bytes. */
function roundsLeft(stream: Stream): i32 {
  if (stream.status == ENDED || stream.status == BAD) return 0;
  return min(<i32>(stream.maxPosition - stream.position) / 64, <i32>(stream.maxOut - stream.out) / 8);
}

// One literal of one stream. At all else an entry's lower byte is 0: the stream stays where it is, and
// what was written will be overwritten. The constant addresses of the tables are worth 15 % of the time.
const TABLE_A: u32 = STREAMS_AT + LITERALS;
const TABLE_B: u32 = TABLE_A + STATE_BYTES;
const TABLE_C: u32 = TABLE_B + STATE_BYTES;
const TABLE_D: u32 = TABLE_C + STATE_BYTES;
@inline
function stepA(bits: u64, out: u32): u32 {
  store<u8>(out, load<u8>(<u32>bits & LITERAL_INDEX, TABLE_A + 1));
  return load<u8>(<u32>bits & LITERAL_INDEX, TABLE_A);
}
@inline
function stepB(bits: u64, out: u32): u32 {
  store<u8>(out, load<u8>(<u32>bits & LITERAL_INDEX, TABLE_B + 1));
  return load<u8>(<u32>bits & LITERAL_INDEX, TABLE_B);
}
@inline
function stepC(bits: u64, out: u32): u32 {
  store<u8>(out, load<u8>(<u32>bits & LITERAL_INDEX, TABLE_C + 1));
  return load<u8>(<u32>bits & LITERAL_INDEX, TABLE_C);
}
@inline
function stepD(bits: u64, out: u32): u32 {
  store<u8>(out, load<u8>(<u32>bits & LITERAL_INDEX, TABLE_D + 1));
  return load<u8>(<u32>bits & LITERAL_INDEX, TABLE_D);
}

/** Decodes all streams for a while, at most until one of them is over. To be called until then. */
export function run(): void {
  const a = streamAt(0), b = streamAt(1), c = streamAt(2), d = streamAt(3);
  let left: i32 = i32.MAX_VALUE;
  for (let slot: u32 = 0; slot < STREAMS; slot++) {
    const stream = streamAt(slot);
    if (stream.status == IDLE) stream.out = contentAt(slot);
    const rounds = roundsLeft(stream);
    if (rounds <= 0 && stream.status == RUNNING) stream.status = BAD;
    left = min(left, rounds);
  }
  let positionA = a.position, positionB = b.position, positionC = c.position, positionD = d.position;
  let outA = a.out, outB = b.out, outC = c.out, outD = d.out;
  let e: u32;
  while (left > 0) {
    left--;
    let bitsA = bitsAt(positionA), bitsB = bitsAt(positionB);
    let bitsC = bitsAt(positionC), bitsD = bitsAt(positionD);
    let sumA: u32, sumB: u32, sumC: u32, sumD: u32;
    e = stepA(bitsA, outA); bitsA >>= e; sumA = e;
    e = stepB(bitsB, outB); bitsB >>= e; sumB = e;
    e = stepC(bitsC, outC); bitsC >>= e; sumC = e;
    e = stepD(bitsD, outD); bitsD >>= e; sumD = e;
    e = stepA(bitsA, outA + 1); bitsA >>= e; sumA += e;
    e = stepB(bitsB, outB + 1); bitsB >>= e; sumB += e;
    e = stepC(bitsC, outC + 1); bitsC >>= e; sumC += e;
    e = stepD(bitsD, outD + 1); bitsD >>= e; sumD += e;
    e = stepA(bitsA, outA + 2); bitsA >>= e; sumA += e;
    e = stepB(bitsB, outB + 2); bitsB >>= e; sumB += e;
    e = stepC(bitsC, outC + 2); bitsC >>= e; sumC += e;
    e = stepD(bitsD, outD + 2); bitsD >>= e; sumD += e;
    e = stepA(bitsA, outA + 3); bitsA >>= e; sumA += e;
    e = stepB(bitsB, outB + 3); bitsB >>= e; sumB += e;
    e = stepC(bitsC, outC + 3); bitsC >>= e; sumC += e;
    e = stepD(bitsD, outD + 3); bitsD >>= e; sumD += e;
    sumA += stepA(bitsA, outA + 4);
    sumB += stepB(bitsB, outB + 4);
    sumC += stepC(bitsC, outC + 4);
    sumD += stepD(bitsD, outD + 4);
    outA += sumA >> COUNT_SHIFT; positionA += sumA & BITS_MASK;
    outB += sumB >> COUNT_SHIFT; positionB += sumB & BITS_MASK;
    outC += sumC >> COUNT_SHIFT; positionC += sumC & BITS_MASK;
    outD += sumD >> COUNT_SHIFT; positionD += sumD & BITS_MASK;
    if ((sumA & sumB & sumC & sumD & ALL_LITERALS) == ALL_LITERALS) continue;
    if (sumA < ALL_LITERALS) {
      left = min(left, decode(a, positionA, outA));
      positionA = a.position; outA = a.out;
    }
    if (sumB < ALL_LITERALS) {
      left = min(left, decode(b, positionB, outB));
      positionB = b.position; outB = b.out;
    }
    if (sumC < ALL_LITERALS) {
      left = min(left, decode(c, positionC, outC));
      positionC = c.position; outC = c.out;
    }
    if (sumD < ALL_LITERALS) {
      left = min(left, decode(d, positionD, outD));
      positionD = d.position; outD = d.out;
    }
  }
  save(a, positionA, outA);
  save(b, positionB, outB);
  save(c, positionC, outC);
  save(d, positionD, outD);
}

function save(stream: Stream, position: u32, out: u32): void {
  stream.position = position;
  stream.out = out;
}

/** Decodes what is no literal with a short code, until such a one follows. @returns rounds left */
function decode(stream: Stream, position: u32, out: u32): i32 {
  const p = changetype<u32>(stream);
  while (true) {
    if (position > stream.maxPosition || out > stream.maxOut) return fail(stream);
    let bits = bitsAt(position);
    let entry: u32 = load<u16>(p + (<u32>bits & LITERAL_INDEX), LITERALS);
    if (entry & IS_LITERAL) break;
    if (entry == IS_LONG) {
      entry = longCode(bits, p + LITERAL_CODES);
      if (entry == 0) return fail(stream);
      if (entry >> 4 < 256) {
        store<u8>(out++, <u8>(entry >> 4));
        position += entry & 15;
        continue;
      }
      entry -= 256 << 4;
    } else {
      entry = load<u16>(p + (<u32>bits & LITERAL_INDEX), OTHERS);
    }
    position += entry & 15;
    const symbol = entry >> 4;
    if (symbol == 0) {
      save(stream, position, out);
      if (stream.isLastBlock) stream.status = ENDED;
      else openBlock(stream);
      if (stream.status != RUNNING) return 0;
      position = stream.position;
      out = stream.out;
      continue;
    }
    if (symbol > 29) return fail(stream);
    bits >>= entry & 15;
    let base = LENGTH_BASES + ((symbol - 1) << 2);
    let extraBits: u32 = load<u16>(base, 2);
    const length = load<u16>(base) + low(bits, extraBits);
    bits >>= extraBits;
    position += extraBits;
    entry = load<u16>(p + (<u32>bits & DISTANCE_INDEX), DISTANCES);
    if (entry == 0) entry = longCode(bits, p + DISTANCE_CODES);
    if (entry == 0 || entry >> 4 > 29) return fail(stream);
    bits >>= entry & 15;
    base = DISTANCE_BASES + ((entry >> 4) << 2);
    extraBits = load<u16>(base, 2);
    const from = out - load<u16>(base) - low(bits, extraBits);
    position += (entry & 15) + extraBits;
    if (from < stream.outStart) return fail(stream);
    copyMatch(out, from, length);
    out += length;
  }
  save(stream, position, out);
  return roundsLeft(stream);
}

function fail(stream: Stream): i32 {
  stream.status = BAD;
  return 0;
}

/** The two may overlap: then what was just written is repeated. */
@inline
function copyMatch(out: u32, from: u32, length: u32): void {
  const end = out + length;
  if (out - from >= 8) {
    // Up to seven bytes too many: what follows overwrites them.
    for (; out < end; out += 8, from += 8) store<u64>(out, load<u64>(from));
  } else {
    for (; out < end; out++, from++) store<u8>(out, load<u8>(from));
  }
}

/** Reads the head of the next block: past stored ones, as far as the first code of a packed one. */
function openBlock(stream: Stream): void {
  let position = stream.position, kind: u32 = 0;
  while (true) {
    if (position > stream.maxPosition) { fail(stream); return; }
    const bits = bitsAt(position);
    stream.isLastBlock = low(bits, 1);
    kind = low(bits >> 1, 2);
    position += 3;
    if (kind != 0) break;
    position = copyStored(stream, position);
    if (stream.isLastBlock && stream.status == RUNNING) stream.status = ENDED;
    stream.position = position;
    if (stream.status != RUNNING) return;
  }
  let literals: u32 = 288, distances: u32 = 32;
  if (kind == 1) {
    // 3.2.6
    memory.fill(LENGTHS, 8, 144);
    memory.fill(LENGTHS + 144, 9, 112);
    memory.fill(LENGTHS + 256, 7, 24);
    memory.fill(LENGTHS + 280, 8, 8);
    memory.fill(LENGTHS + 288, 5, 32);
  } else if (kind == 2) {
    const bits = bitsAt(position);
    literals = low(bits, 5) + 257;
    distances = low(bits >> 5, 5) + 1;
    position = readLengths(position + 14, low(bits >> 10, 4) + 4, literals + distances);
  }
  const p = changetype<u32>(stream);
  stream.position = position;
  // A block without a code for its end can't end.
  const isGood = kind < 3 && (kind == 1 || (literals <= 286 && distances <= 30)) &&
    position != 0 && load<u8>(LENGTHS, 256) != 0 &&
    build(<u32>LENGTHS, literals, p + LITERALS, p + LITERAL_CODES, LITERAL_BITS) &&
    build(<u32>LENGTHS + literals, distances, p + DISTANCES, p + DISTANCE_CODES, DISTANCE_BITS);
  if (!isGood) fail(stream);
}

/** 3.2.4. @returns the position behind it */
function copyStored(stream: Stream, position: u32): u32 {
  const at = (position + 8) >> 3, from = at + 4;
  const length: u32 = load<u16>(at);
  const fits = from + length <= stream.maxPosition >> 3 && stream.out + length <= stream.maxOut;
  if ((length ^ 0xffff) != load<u16>(at, 2) || !fits) {
    fail(stream);
    return position;
  }
  memory.copy(stream.out, from, length);
  stream.out += length;
  return ((from + length) << 3) - 1;
}

// RFC 1951 for up to four streams in lock-step.
//
// A processor that unpacks images waits most of the time: they are all literals, the place of each
// code is known only when the one before is, and that takes a table's load. Four streams fill the
// time of waiting with each other's work.
//
// A stream's position is the place of the last bit that was used. So the lowest bit of what is
// loaded from there is of the past, and with its neighbours it is an index of 16-bit entries as it is.
import {
  FIRST_STREAM_AT,
  LITERAL_BITS,
  STREAM_STATE_BYTES,
} from '../../src/zip/inflate-kernel/inflater.ts';
import { BUILD, FAIL, LOAD, OPEN_BLOCK, READ_LENGTHS, decodeLong, take } from './blocks.ts';

/** Of a load of 64 bits 56 are sure to be new: codes of 10 bits, five times. */
const STEPS = Math.floor(56 / LITERAL_BITS);

/** From where the host has put a stream's position and limits. */
const BEGIN = `
fn begin(p) {
  i32[p + STATUS] = 0
  openBlock(p)
}`;

/** What is no literal of a short code; goes on until such a one comes. */
const STUMBLE = `
fn stumble(p) {
  position = i32[p + POSITION]
  out = i32[p + OUT]
  loop {
    if (position > i32[p + MAX_POSITION]) | (out > i32[p + MAX_OUT]) { ${FAIL} }
    ${LOAD}
    at = p + (int(bits) & LITERAL_INDEX)
    entry = u16[at + LITERALS]
    if entry & IS_LITERAL { break }
    if entry {
      ${decodeLong('LITERAL_CODES')}
      if symbol < 256 {
        u8[out] = symbol
        out = out + 1
        position = position + length
        continue
      }
      symbol = symbol - 256
    } else {
      entry = u16[at + OTHERS]
      symbol = entry >> 4
      length = entry & 15
    }
    bits = bits >> length
    position = position + length
    if symbol == 0 {
      if i32[p + IS_LAST_BLOCK] {
        i32[p + STATUS] = ENDED
        break
      }
      i32[p + POSITION] = position
      i32[p + OUT] = out
      openBlock(p)
      if i32[p + STATUS] { return }
      position = i32[p + POSITION]
      out = i32[p + OUT]
      continue
    }
    if symbol > 29 { ${FAIL} }
    entry = i32[((symbol - 1) << 2) + LENGTH_BASES]
    n = entry >> 16
    ${take('extra', 'n')}
    size = (entry & 65535) + extra
    entry = u16[p + (int(bits) & DISTANCE_INDEX) + DISTANCES]
    symbol = entry >> 4
    length = entry & 15
    if entry == 0 { ${decodeLong('DISTANCE_CODES')} }
    if symbol > 29 { ${FAIL} }
    bits = bits >> length
    position = position + length
    entry = i32[(symbol << 2) + DISTANCE_BASES]
    n = entry >> 16
    ${take('extra', 'n')}
    from = out - (entry & 65535) - extra
    if from < i32[p + OUT_START] { ${FAIL} }
    end = out + size
    if (out - from) >= 8 {
      // Up to seven bytes too many: what follows writes over them.
      at = out
      while at < end {
        u64[at] = u64[from]
        at = at + 8
        from = from + 8
      }
    } else {
      at = out
      while at < end {
        u8[at] = u8[from]
        at = at + 1
        from = from + 1
      }
    }
    out = end
  }
  i32[p + POSITION] = position
  i32[p + OUT] = out
}`;

const range = (length: number) => Array.from({ length }, (_, at) => at);

/**
 * Runs streams 0 to `count` - 1 until one of them has ended or is bad. In the steps nothing is asked:
 * at what is no literal a stream stays where it is, and what it writes is written over.
 */
function run(count: number): string {
  const each = (text: (stream: number, p: number) => string) =>
    range(count)
      .map((stream) => text(stream, FIRST_STREAM_AT + stream * STREAM_STATE_BYTES))
      .join('\n');
  const load = (s: number, p: number) =>
    `position${s} = i32[${p} + POSITION]  out${s} = i32[${p} + OUT]`;
  const save = (s: number, p: number) =>
    `i32[${p} + POSITION] = position${s}  i32[${p} + OUT] = out${s}`;
  /** Of rounds that are safe: one takes less than 64 bits, and gives less than 8 bytes. */
  const rounds = (s: number, p: number) =>
    `least((i32[${p} + MAX_POSITION] - position${s}) / 64, (i32[${p} + MAX_OUT] - out${s}) / 8)`;
  const step = (s: number, p: number, at: number) => `
    index${s} = int(bits${s}) & LITERAL_INDEX
    entry${s} = u8[index${s} + LITERALS + ${p}]
    u8[out${s} + ${at}] = u8[index${s} + LITERALS + ${p + 1}]
    bits${s} = bits${s} >> entry${s}
    sum${s} = ${at === 0 ? '' : `sum${s} + `}entry${s}`;
  return `
fn run${count}() {
  ${each(load)}
  over = 0
  left = 0
  loop {
    if left <= 0 {
      left = 65536
      ${each((s, p) => `left = least(left, ${rounds(s, p)})`)}
      if left <= 0 {
        ${each((s, p) => `if ${rounds(s, p)} <= 0 { i32[${p} + STATUS] = BAD }`)}
        break
      }
    }
    left = left - 1
    ${each((s) => `bits${s} = u64[position${s} >> 3] >> (position${s} & 7)`)}
    ${range(STEPS)
      .map((at) => each((s, p) => step(s, p, at)))
      .join('\n')}
    ${each((s) => `out${s} = out${s} + (sum${s} >> COUNT_SHIFT)  position${s} = position${s} + (sum${s} & BITS_MASK)`)}
    if ((${range(count)
      .map((s) => `entry${s}`)
      .join(' & ')}) & IS_LITERAL) == 0 {
      ${each(
        (s, p) => `
      if (entry${s} & IS_LITERAL) == 0 {
        ${save(s, p)}
        stumble(${p})
        ${load(s, p)}
        over = over | i32[${p} + STATUS]
        left = least(left, ${rounds(s, p)})
      }`,
      )}
      if over { break }
    }
  }
  ${each(save)}
}`;
}

/** @param streams in lock-step, at most */
export const programFor = (streams: number): string =>
  [
    BUILD,
    READ_LENGTHS,
    OPEN_BLOCK,
    BEGIN,
    STUMBLE,
    ...range(streams).map((at) => run(at + 1)),
  ].join('\n');

// The Huffman codes of a deflate block (RFC 1951, 3.2.2 and 3.2.7): their tables, and codes that are longer
// than a table's index. In AssemblyScript, as a part of kernel.as.ts.

/** Bits that index a table. Longer codes are rare where literals are many. */
export const LITERAL_BITS: u32 = 10;
export const DISTANCE_BITS: u32 = 8;
export const LENGTH_CODE_BITS: u32 = 7;
export const LITERAL_INDEX: u32 = ((1 << LITERAL_BITS) - 1) << 1;
export const DISTANCE_INDEX: u32 = ((1 << DISTANCE_BITS) - 1) << 1;
export const LENGTH_CODE_INDEX: u32 = ((1 << LENGTH_CODE_BITS) - 1) << 1;

// An entry of the table of literals. Its lower byte is 64 plus the code's length, so that a sum of them
// counts literals and bits; its upper byte is the literal. 0: the entry is in the table `others`.
export const IS_LITERAL: u32 = 64;
export const COUNT_SHIFT: u32 = 6;
export const BITS_MASK: u32 = 63;
/** Instead: the code is longer than the index. */
export const IS_LONG: u32 = 256;

// In the state of a stream a table has entries of 16 bits, all but the literals': symbol << 4 | length of the
// code. For long codes there are 16 counts of codes by length, then the symbols in the order of their codes.
export const SYMBOLS: u32 = 32;
/** Of the table of symbols from 256 on (less 256), behind the table of literals. */
export const OTHERS_BEHIND: u32 = 2 << LITERAL_BITS;

/** The order of the code lengths' own lengths (3.2.7). */
const LENGTH_ORDER = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);
// Used while tables are built: where the next symbol of each length goes, the code of the code lengths,
// and the lengths of a block's literal codes, with those of its distance codes behind them.
const STARTS = memory.data(32, 2);
const LENGTH_CODES = memory.data(<i32>SYMBOLS + 2 * 19, 2);
const LENGTH_TABLE = memory.data(2 << LENGTH_CODE_BITS, 2);
export const LENGTHS = memory.data(288 + 32, 2);

@inline
export function bitsAt(position: u32): u64 { return load<u64>(position >> 3) >> (position & 7); }

/** The next bits. @param bits of a load: the lowest is an old one */
@inline
export function low(bits: u64, count: u32): u32 { return <u32>(bits >> 1) & ((1 << count) - 1); }

/**
 * A code of any length, bit by bit (as in Mark Adler's puff): codes of one length are consecutive numbers,
 * and greater than all shorter ones. @returns symbol << 4 | length; 0: there is no such code
 */
export function longCode(bits: u64, codes: u32): u32 {
  let code: u32 = 0, first: u32 = 0, symbols = codes + SYMBOLS;
  for (let length: u32 = 1; length < 16; length++) {
    code |= <u32>(bits >> length) & 1;
    const count: u32 = load<u16>(codes + (length << 1));
    if (code - first < count) return (<u32>load<u16>(symbols + ((code - first) << 1)) << 4) | length;
    symbols += count << 1;
    first = (first + count) << 1;
    code <<= 1;
  }
  return 0;
}

/**
 * The lengths of a block's codes, which are coded themselves (3.2.7). @returns the position
 * behind them; 0: bad
 */
export function readLengths(start: u32, lengthCodes: u32, count: u32): u32 {
  let position = start;
  memory.fill(LENGTHS, 0, 19);
  for (let i: u32 = 0; i < lengthCodes; i++, position += 3) {
    store<u8>(LENGTHS + load<u8>(LENGTH_ORDER + i), low(bitsAt(position), 3));
  }
  if (!build(<u32>LENGTHS, 19, <u32>LENGTH_TABLE, <u32>LENGTH_CODES, LENGTH_CODE_BITS)) return 0;
  let last: u32 = 0;
  for (let i: u32 = 0; i < count;) {
    const bits = bitsAt(position);
    const entry: u32 = load<u16>(LENGTH_TABLE + (<u32>bits & LENGTH_CODE_INDEX));
    const symbol = entry >> 4;
    // 16: the last one again; 17 and 18: zeros.
    const extraBits: u32 = symbol < 16 ? 0 : symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    const times = symbol < 16 ? 1 : low(bits >> (entry & 15), extraBits) + (symbol == 18 ? 11 : 3);
    position += (entry & 15) + extraBits;
    if ((symbol == 16 && i == 0) || i + times > count) return 0;
    if (symbol != 16) last = symbol < 16 ? symbol : 0;
    memory.fill(LENGTHS + i, <u8>last, times);
    i += times;
  }
  return position;
}

/** Builds the tables of one code from its lengths (3.2.2). @param tableBits says which code it is */
export function build(lengths: u32, count: u32, table: u32, codes: u32, tableBits: u32): bool {
  memory.fill(codes, 0, SYMBOLS);
  for (let i: u32 = 0; i < count; i++) {
    const at = codes + (<u32>load<u8>(lengths + i) << 1);
    store<u16>(at, load<u16>(at) + 1);
  }
  store<u16>(codes, 0);
  let left: i32 = 1, next: u32 = codes + SYMBOLS, longest: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const n: u32 = load<u16>(codes + (length << 1));
    store<u16>(STARTS + (length << 1), next);
    next += n << 1;
    if (n) longest = length;
    left = (left << 1) - n;
    if (left < 0) return false;
  }
  if (left > 0) {
    // Some bits mean nothing: allowed only where all distances are one, or there are none.
    if (tableBits != DISTANCE_BITS || longest > 1) return false;
    memory.fill(table, 0, 2 << tableBits);
  }
  for (let i: u32 = 0; i < count; i++) {
    const at = STARTS + (<u32>load<u8>(lengths + i) << 1);
    if (at == STARTS) continue;
    store<u16>(<u32>load<u16>(at), i);
    store<u16>(at, load<u16>(at) + 2);
  }
  fillTable(table, codes, tableBits);
  return true;
}

function fillTable(table: u32, codes: u32, tableBits: u32): void {
  const isLiterals = tableBits == LITERAL_BITS;
  let symbols = codes + SYMBOLS, code: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    for (let n: u32 = load<u16>(codes + (length << 1)); n > 0; n--, symbols += 2) {
      const symbol: u32 = load<u16>(symbols);
      const step = length > tableBits ? 2 << tableBits : 2 << length;
      const isOther = isLiterals && symbol >= 256;
      const other = ((symbol - 256) << 4) | length;
      let entry = (symbol << 4) | length;
      if (isLiterals) entry = isOther ? 0 : (symbol << 8) | IS_LITERAL | length;
      if (length > tableBits) entry = isLiterals ? IS_LONG : 0;
      for (let at = (code << 1) & (step - 1); at < 2 << tableBits; at += step) {
        store<u16>(table + at, entry);
        if (isOther) store<u16>(table + at, other, OTHERS_BEHIND);
      }
      // The next code; the highest bit here is its last one.
      let bit: u32 = 1 << (length - 1);
      while (code & bit) bit >>= 1;
      code = (code & (bit - 1)) | bit;
    }
  }
}

// What comes before a block's codes (RFC 1951, 3.2.3 to 3.2.7), and what all of the program uses.

/** Loads what comes next. */
export const LOAD = 'bits = u64[position >> 3] >> (position & 7)';

/** Takes so many of the bits that were loaded. */
export const take = (name: string, count: string | number) => `
  ${name} = int(bits >> 1) & ((1 << ${count}) - 1)
  bits = bits >> ${count}
  position = position + ${count}`;

export const FAIL = 'i32[p + STATUS] = BAD return';

/**
 * A code of any length, bit by bit (as in Mark Adler's puff): codes of one length follow each other,
 * and come behind all shorter ones.
 */
export const decodeLong = (codes: string) => `
  window = int(bits >> 1)
  code = 0  first = 0  index = 0  length = 1
  loop {
    code = code | (window & 1)
    window = window >> 1
    n = u16[p + (length << 1) + ${codes}]
    if (code - n) < first {
      symbol = u16[p + ((index + code - first) << 1) + ${codes} + SYMBOLS]
      break
    }
    index = index + n
    first = (first + n) << 1
    code = code << 1
    length = length + 1
    if length > 15 { ${FAIL} }
  }`;

/** Tables for one code of a block, from the lengths of its symbols' codes (3.2.2). */
export const BUILD = `
fn build(lengths, count, table, tableBits, codes, use) -> int {
  fill(codes, 0, SYMBOLS)
  i = 0
  while i < count {
    at = codes + (u8[lengths + i] << 1)
    u16[at] = u16[at] + 1
    i = i + 1
  }
  u16[codes] = 0
  left = 1  next = 0  longest = 0  length = 1
  while length < 16 {
    n = u16[codes + (length << 1)]
    u16[(length << 1) + STARTS] = next
    next = next + n
    if n { longest = length }
    left = (left << 1) - n
    if left < 0 { return 0 }
    length = length + 1
  }
  if left > 0 {
    // Bits that mean nothing: right only where all distances are one, or there are none.
    if (use != FOR_DISTANCES) | (longest > 1) { return 0 }
    fill(table, 0, 2 << tableBits)
  }
  i = 0
  while i < count {
    length = u8[lengths + i]
    if length {
      n = u16[(length << 1) + STARTS]
      u16[codes + (n << 1) + SYMBOLS] = i
      u16[(length << 1) + STARTS] = n + 1
    }
    i = i + 1
  }
  end = table + (2 << tableBits)
  at = 0  code = 0  length = 1
  symbols = codes + SYMBOLS
  while length < 16 {
    n = u16[codes + (length << 1)]
    while n {
      symbol = u16[symbols]
      symbols = symbols + 2
      at = table + (code << 1)
      step = 2 << length
      if length > tableBits {
        at = table + ((code << 1) & ((2 << tableBits) - 1))
        u16[at] = 0
        if use == FOR_LITERALS { u16[at] = IS_LONG }
      } else {
        if use != FOR_LITERALS {
          while at < end { u16[at] = (symbol << 4) | length  at = at + step }
        } else {
          if symbol < 256 {
            entry = (symbol << 8) | IS_LITERAL | length
            while at < end { u16[at] = entry  at = at + step }
          } else {
            while at < end {
              u16[at] = 0
              u16[at + OTHERS_BEHIND] = ((symbol - 256) << 4) | length
              at = at + step
            }
          }
        }
      }
      // The next code, which stands with its last bit first.
      bit = 1 << (length - 1)
      while code & bit { bit = bit >> 1 }
      code = (code & (bit - 1)) | bit
      n = n - 1
    }
    length = length + 1
  }
  return 1
}`;

/** The lengths of a block's codes, themselves in a code (3.2.7). */
export const READ_LENGTHS = `
fn readLengths(p, literals, distances, lengthCount) -> int {
  position = i32[p + POSITION]
  fill(LENGTHS, 0, 19)
  i = 0
  while i < lengthCount {
    ${LOAD}
    u8[u8[i + LENGTH_ORDER] + LENGTHS] = int(bits >> 1) & 7
    position = position + 3
    i = i + 1
  }
  if build(LENGTHS, 19, LENGTH_TABLE, LENGTH_CODE_BITS, LENGTH_CODES, FOR_LENGTHS) == 0 { return 0 }
  i = 0
  last = 0
  while i < (literals + distances) {
    ${LOAD}
    entry = u16[(int(bits) & LENGTH_CODE_INDEX) + LENGTH_TABLE]
    length = entry & 15
    bits = bits >> length
    position = position + length
    symbol = entry >> 4
    if symbol < 16 {
      u8[i + LENGTHS] = symbol
      last = symbol
      i = i + 1
    } else {
      if symbol == 16 {
        if i == 0 { return 0 }
        ${take('n', 2)}
        n = n + 3
      } else {
        last = 0
        if symbol == 17 {
          ${take('n', 3)}
          n = n + 3
        } else {
          ${take('n', 7)}
          n = n + 11
        }
      }
      if (i + n) > (literals + distances) { return 0 }
      fill(i + LENGTHS, last, n)
      i = i + n
    }
  }
  i32[p + POSITION] = position
  // A block that can't end.
  return u8[256 + LENGTHS]
}`;

/** Goes into the next block: through stored ones, and to the first code of one that is packed. */
export const OPEN_BLOCK = `
fn openBlock(p) {
  position = i32[p + POSITION]
  loop {
    if position > i32[p + MAX_POSITION] { ${FAIL} }
    ${LOAD}
    ${take('isLast', 1)}
    i32[p + IS_LAST_BLOCK] = isLast
    ${take('kind', 2)}
    if kind { break }
    from = (position + 8) >> 3
    n = u16[from]
    if (n ^ 65535) != u16[from + 2] { ${FAIL} }
    from = from + 4
    out = i32[p + OUT]
    if ((from + n) > (i32[p + MAX_POSITION] >> 3)) | ((out + n) > i32[p + MAX_OUT]) { ${FAIL} }
    copy(out, from, n)
    i32[p + OUT] = out + n
    position = ((from + n) << 3) - 1
    if isLast {
      i32[p + POSITION] = position
      i32[p + STATUS] = ENDED
      return
    }
  }
  literals = 288
  distances = 32
  if kind == 1 {
    // 3.2.6
    fill(LENGTHS, 8, 144)
    fill(144 + LENGTHS, 9, 112)
    fill(256 + LENGTHS, 7, 24)
    fill(280 + LENGTHS, 8, 8)
    fill(288 + LENGTHS, 5, 32)
    i32[p + POSITION] = position
  } else {
    if kind == 3 { ${FAIL} }
    ${take('n', 5)}
    literals = n + 257
    ${take('n', 5)}
    distances = n + 1
    ${take('n', 4)}
    if (literals > 286) | (distances > 30) { ${FAIL} }
    i32[p + POSITION] = position
    if readLengths(p, literals, distances, n + 4) == 0 { ${FAIL} }
  }
  if build(LENGTHS, literals, p + LITERALS, LITERAL_BITS, p + LITERAL_CODES, FOR_LITERALS) == 0 { ${FAIL} }
  if build(literals + LENGTHS, distances, p + DISTANCES, DISTANCE_BITS, p + DISTANCE_CODES, FOR_DISTANCES) == 0 { ${FAIL} }
}`;

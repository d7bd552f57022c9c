import {
  COUNTS_BYTES,
  DISTANCE_BITS,
  LENGTH_CODE_BITS,
  LITERAL_BITS,
  SHARED,
  STATUS,
  STREAM,
} from '../../src/zip/inflate-kernel/inflater.ts';

/** The names that program.ts and blocks.ts use in the kernel's language. */
export const CONSTANTS: Readonly<Record<string, number>> = {
  POSITION: STREAM.position,
  MAX_POSITION: STREAM.maxPosition,
  OUT: STREAM.out,
  OUT_START: STREAM.outStart,
  MAX_OUT: STREAM.maxOut,
  STATUS: STREAM.status,
  IS_LAST_BLOCK: STREAM.isLastBlock,
  LITERALS: STREAM.literals,
  OTHERS_BEHIND: STREAM.others - STREAM.literals,
  OTHERS: STREAM.others,
  DISTANCES: STREAM.distances,
  LITERAL_CODES: STREAM.literalCodes,
  DISTANCE_CODES: STREAM.distanceCodes,
  SYMBOLS: COUNTS_BYTES,
  LENGTH_BASES: SHARED.lengthBases,
  DISTANCE_BASES: SHARED.distanceBases,
  LENGTH_ORDER: SHARED.lengthOrder,
  STARTS: SHARED.starts,
  LENGTH_CODES: SHARED.lengthCodes,
  LENGTH_TABLE: SHARED.lengthTable,
  LENGTHS: SHARED.lengths,
  LITERAL_BITS,
  DISTANCE_BITS,
  LENGTH_CODE_BITS,
  LITERAL_INDEX: ((1 << LITERAL_BITS) - 1) << 1,
  DISTANCE_INDEX: ((1 << DISTANCE_BITS) - 1) << 1,
  LENGTH_CODE_INDEX: ((1 << LENGTH_CODE_BITS) - 1) << 1,
  ENDED: STATUS.ended,
  BAD: STATUS.bad,
  // Entries of the table of literals. The lower byte is what is added up over the steps: the bits
  // of the code, and a flag that counts. The upper byte is the literal.
  IS_LITERAL: 64,
  COUNT_SHIFT: 6,
  BITS_MASK: 63,
  /** No literal, and longer than the table's index. */
  IS_LONG: 256,
  // Uses of `build`.
  FOR_LENGTHS: 0,
  FOR_LITERALS: 1,
  FOR_DISTANCES: 2,
};

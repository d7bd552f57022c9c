/** Streams that are unpacked in lock-step, at most. */
export const STREAMS = 4;

/** The largest stream, packed or unpacked. Four of these, twice, are what a thread may hold. */
export const MAX_STREAM_BYTES = 2 * 1024 * 1024;

/** Bits that the fast table of literals takes at a time; longer codes are rare where literals are many. */
export const LITERAL_BITS = 10;
export const DISTANCE_BITS = 8;
export const LENGTH_CODE_BITS = 7;

/** Where the kernels have what, in bytes. First what all streams share: */
export const SHARED = {
  /** RFC 1951, 3.2.5: for each symbol the base, and the number of extra bits in the upper half. */
  lengthBases: 0,
  distanceBases: 128,
  /** 3.2.7: in which order the lengths of the code length codes come. */
  lengthOrder: 256,
  /** While codes are made: where the next symbol of each length goes. */
  starts: 288,
  lengthCodes: 320,
  lengthTable: 512,
  /** Of the literals' codes, and behind them those of the distances. */
  lengths: 768,
} as const;

/** What each stream has, from its own start. 32 bits each, then the tables of the block it is in. */
export const STREAM = {
  /** Of the last bit that was used, counted from memory's first. */
  position: 0,
  maxPosition: 4,
  out: 8,
  outStart: 12,
  maxOut: 16,
  status: 20,
  isLastBlock: 24,
  /** 16 bits for each piece of LITERAL_BITS: see program.ts. */
  literals: 32,
  /** Of symbols that are no literals. */
  others: 32 + 2048,
  distances: 32 + 4096,
  /** For longer codes: how many there are of each length, and the symbols in the codes' order. */
  literalCodes: 32 + 4096 + 512,
  distanceCodes: 32 + 4096 + 512 + 608,
} as const;

/** In front of the symbols in `…Codes`. */
export const COUNTS_BYTES = 32;

export const FIRST_STREAM_AT = 4096;
export const STREAM_STATE_BYTES = 6144;

/** Read or written beyond the end by a step that began in front of it. */
const IN_SLACK_BYTES = 64;
const OUT_SLACK_BYTES = 512;
/** So far beyond its end may a stream be before it is seen to be wrong. */
export const TOLERATED_BYTES = 32;

const IN_BYTES = MAX_STREAM_BYTES + IN_SLACK_BYTES;
const OUT_BYTES = MAX_STREAM_BYTES + OUT_SLACK_BYTES;
const BUFFERS_AT = FIRST_STREAM_AT + STREAMS * STREAM_STATE_BYTES + IN_SLACK_BYTES;

/** Where a stream's packed bytes are put. @param buffer one of STREAMS */
export const packedAt = (buffer: number): number => BUFFERS_AT + buffer * (IN_BYTES + OUT_BYTES);
/** Where they are unpacked to. */
export const unpackedAt = (buffer: number): number => packedAt(buffer) + IN_BYTES;

const PAGE_BYTES = 65_536;
export const MEMORY_PAGES = Math.ceil((packedAt(STREAMS) + IN_SLACK_BYTES) / PAGE_BYTES);

export const STATUS = { running: 0, ended: 1, bad: 2 } as const;

// Where things lie in the memory that the MD5 kernels share with their caller. The generator
// (scripts/md5-kernel/) builds these places into the kernels.

/** MD5s that go on in lock-step: two vectors of four 32-bit words, interleaved. */
export const LANES = 8;
/** Words of one vector. */
export const LANES_A_GROUP = 4;

/** Of each group the words A, B, C and D of its four lanes: four vectors of 16 bytes. */
export const STATE_AT = 0;
export const GROUP_STATE_BYTES = 64;
/** Of each lane the place of its next block, a 32-bit number. */
export const POINTERS_AT = 128;
/** Written to by the kernels and read by nobody. */
export const PINS_AT = 192;
/** RFC 1321's T[1] to T[64], 32 bits each. */
export const CONSTANTS_AT = 256;
/** Of each lane a slot that a file is read into; at whole memory pages, for quick copies. */
export const SLOTS_AT = 4096;

/**
 * What is read of a file at a time, by whom it ever is hashed: large enough for disks and network
 * shares, small enough that eight of them stay in a processor's cache.
 */
export const SPAN_BYTES = 1024 * 1024;
/** A span, and room for the padding behind the last one of a file. */
export const SLOT_BYTES = SPAN_BYTES + 4096;

/** Of 64 KiB. Those that are never touched take no memory. */
export const MEMORY_PAGES = Math.ceil((SLOTS_AT + LANES * SLOT_BYTES) / 65_536);

/** Bytes of an MD5 block. */
export const BLOCK_BYTES = 64;

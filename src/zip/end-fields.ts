/** The fields of an end record (APPNOTE 4.3.16). */
export interface EndFields {
  /** Of the record's first byte, in the file. */
  readonly at: number;
  readonly disk: number;
  readonly directoryDisk: number;
  readonly countHere: number;
  readonly count: number;
  readonly directoryBytes: number;
  readonly directoryStart: number;
  /** Of the first byte behind its comment. */
  readonly end: number;
}

const SIGNATURE = 0x06054b50;
export const END_FIXED_BYTES = 22;

/**
 * Every place that could be an end record by its signature, the last one first.
 * @param tail the last bytes of the file
 */
export function toEndCandidates(tail: Buffer, tailStart: number): readonly EndFields[] {
  const candidates: EndFields[] = [];
  for (let at = tail.length - END_FIXED_BYTES; at >= 0; at -= 1) {
    if (tail[at] !== 0x50 || tail.readUInt32LE(at) !== SIGNATURE) continue;
    candidates.push(parseEnd(tail.subarray(at), tailStart + at));
  }
  return candidates;
}

function parseEnd(bytes: Buffer, at: number): EndFields {
  return {
    at,
    disk: bytes.readUInt16LE(4),
    directoryDisk: bytes.readUInt16LE(6),
    countHere: bytes.readUInt16LE(8),
    count: bytes.readUInt16LE(10),
    directoryBytes: bytes.readUInt32LE(12),
    directoryStart: bytes.readUInt32LE(16),
    end: at + END_FIXED_BYTES + bytes.readUInt16LE(20),
  };
}

/**
 * A record whose comment ends with the file is the right one; the signature may also stand in a
 * member's bytes (a zip within the zip), so others count only where there is none such. Two such
 * records, one in the comment of the other, would let two programs see two archives.
 * @param candidates the last one first
 */
export function pickEnd(
  candidates: readonly EndFields[],
  sizeBytes: number,
): EndFields | 'none' | 'ambiguous' {
  const whole = candidates.filter(({ end }) => end <= sizeBytes);
  const exact = whole.filter(({ end }) => end === sizeBytes);
  const [only] = exact.length > 1 ? exact.filter(isPlausible) : exact;
  const found = only ?? whole.find(isPlausible);
  if (found === undefined) return 'none';
  // unzip and Python's zipfile take the last one, whether or not its comment fits.
  const isLast = !candidates.some((other) => other.at > found.at && isPlausible(other));
  return isLast && exact.filter(isPlausible).length < 2 ? found : 'ambiguous';
}

/** Its directory lies in front of it, or a zip64 record says where. */
function isPlausible(end: EndFields): boolean {
  return needsZip64(end) || end.directoryStart + end.directoryBytes <= end.at;
}

/** Fields that are too small for their value are filled with ones. */
export function needsZip64({ directoryBytes, directoryStart }: EndFields): boolean {
  return directoryBytes === 0xffffffff || directoryStart === 0xffffffff;
}

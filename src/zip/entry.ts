import type { EndRecord } from './end-record.ts';
import type { RandomReader } from './reader.ts';
import type { ArchiveReport, Reason } from './report.ts';

/** What the checks of one archive share. */
export interface GateContext {
  readonly reader: RandomReader;
  /** The archive's manifest name. */
  readonly file: string;
  readonly end: EndRecord;
  readonly report: ArchiveReport;
  readonly signal: AbortSignal | undefined;
}

/** One entry of an archive's directory, as plain data. */
export interface ZipEntry {
  /** Decoded. Ends in `/` where it is a folder's. */
  readonly name: string;
  /**
   * As in the directory, one character a byte: the header in front of the member's bytes must
   * have the same. A Buffer for each of tens of thousands of entries would take most of the memory.
   */
  readonly rawName: string;
  /** Why the name can't be trusted, known from its bytes. */
  readonly nameProblem: Reason | undefined;
  /** The system it was made on (APPNOTE 4.4.2.2). */
  readonly host: number;
  readonly flags: number;
  readonly method: number;
  readonly crc32: number;
  readonly compressedSize: number;
  /** Uncompressed, in bytes. */
  readonly size: number;
  /** Of the member's header, from the first byte of the file. */
  readonly headerStart: number;
  /** Unix mode, or 0 if there is none. */
  readonly mode: number;
  /** DOS attributes. */
  readonly attributes: number;
  /** DOS date and time, 16 bits each. */
  readonly date: number;
  readonly time: number;
}

/** What of an entry its own header, in front of its bytes, has to agree with. */
export type HeaderFacts = Omit<ZipEntry, 'mode' | 'attributes' | 'date' | 'time'>;

/** Bits of `flags` (APPNOTE 4.4.4). */
export const FLAG = {
  encrypted: 0x0001,
  /** A data descriptor behind the bytes has the CRC-32 and the sizes. */
  descriptor: 0x0008,
  patched: 0x0020,
  stronglyEncrypted: 0x0040,
  utf8: 0x0800,
  maskedHeaders: 0x2000,
} as const;

export const METHOD = { stored: 0, deflated: 8 } as const;

/** Extra fields (APPNOTE 4.5): the sizes and the offset that do not fit a header; Info-ZIP's second name. */
export const FIELD = { zip64: 0x0001, unicodePath: 0x7075 } as const;

/**
 * The data of an extra field: two bytes id and two bytes length stand in front of it.
 * @param extra all of them; where it is cut, so may be what is returned
 */
export function findField(extra: Buffer, id: number): Buffer | undefined {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === id)
      return extra.subarray(at + 4, at + 4 + extra.readUInt16LE(at + 2));
  }
  return undefined;
}

/** The root of the archive: an entry of this name is ignored. */
export const HERE = './';

/** A name that ends in a slash is a folder's; nothing else makes one. */
export function isFolder({ name }: { readonly name: string }): boolean {
  return name.endsWith('/');
}

import { formatCount, formatSize } from '../text.ts';

/** A size that was published rounded, as the window of lengths it may mean. */
export interface SizeWindow {
  readonly minBytes: number;
  readonly maxBytes: number;
}

const POWERS: Readonly<Record<string, number>> = { K: 1, MB: 2, GB: 3 };

/**
 * The lengths that a published size such as `573MB` can mean. The page rounds, and does not
 * say how: one size is known exactly (59,649 bytes, published as `59K`), which is up, in binary
 * units. The window therefore spans decimal and binary units, one step to each side:
 * (N - 1) x 1000^k to (N + 1) x 1024^k.
 */
export function toSizeWindow(size: string): SizeWindow {
  const { n, power } = parsePublishedSize(size);
  return { minBytes: (n - 1) * 1000 ** power, maxBytes: (n + 1) * 1024 ** power };
}

/** What to reckon with before the exact length is known: the rounded size in binary units. */
export function toAboutBytes(size: string): number {
  const { n, power } = parsePublishedSize(size);
  return n * 1024 ** power;
}

/** A length as a published size: rounded up in binary units, as the dataset's page does. */
export function toPublishedSize(bytes: number): string {
  for (const [unit, power] of Object.entries(POWERS)) {
    const n = Math.max(1, Math.ceil(bytes / 1024 ** power));
    if (n < 1024 || unit === 'GB') return `${n}${unit}`;
  }
  throw new RangeError('unreachable: GB takes any length');
}

function parsePublishedSize(size: string): { n: number; power: number } {
  const match = /^([0-9]+)(K|MB|GB)$/.exec(size);
  const power = POWERS[match?.[2] ?? ''];
  if (match?.[1] === undefined || power === undefined) {
    throw new RangeError(`not a published size: ${size}`);
  }
  return { n: Number(match[1]), power };
}

export interface SizedFile {
  readonly size: string;
  readonly bytes?: number | undefined;
}

/** The lengths that a file may have: one where it is known exactly, else the published window. */
export function windowOf(file: SizedFile): SizeWindow {
  if (file.bytes !== undefined) return { minBytes: file.bytes, maxBytes: file.bytes };
  return toSizeWindow(file.size);
}

export function isPlausibleSize(file: SizedFile, bytes: number): boolean {
  const { minBytes, maxBytes } = windowOf(file);
  return bytes >= minBytes && bytes <= maxBytes;
}

/** The lengths that a file may have, for people: `about 165 MB (156,000,000 to 165,675,008 bytes)`. */
export function lengthsText(file: SizedFile): string {
  const { minBytes, maxBytes } = windowOf(file);
  if (minBytes === maxBytes) return `${formatCount(minBytes)} bytes`;
  return `${formatSize(sizeOf(file))} (${formatCount(minBytes)} to ${formatCount(maxBytes)} bytes)`;
}

/** Size of a file, or of several, in bytes. */
export interface Size {
  readonly bytes: number;
  /** true: approximate, by a published size, which is rounded. */
  readonly about: boolean;
}

/** The one size that a file has on every screen: exact where known, else about right. */
export function sizeOf(file: SizedFile): Size {
  return { bytes: aboutBytesOf(file), about: file.bytes === undefined };
}

export function aboutBytesOf(file: SizedFile): number {
  return file.bytes ?? toAboutBytes(file.size);
}

/** JPEGs hardly deflate: an archive's images take about as much as the archive. */
export function aboutBytesUnpacked(archiveBytes: number): number {
  return Math.ceil(archiveBytes * 1.05);
}

export function sumSizes(sizes: readonly Size[]): Size {
  return {
    bytes: sizes.reduce((sum, { bytes }) => sum + bytes, 0),
    about: sizes.some(({ about }) => about),
  };
}

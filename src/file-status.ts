/** The words for what is here of a file: the same in JSON, in text and in the documents. */
export const FILE_STATUSES = [
  'to-download',
  'partial',
  'present',
  'verified',
  'content-checked',
  'crc-checked',
  'named',
  'bad',
  'missing',
  'removed',
  'resized',
] as const;

/**
 * What is here of a file. `to-download`: nothing, and this run is to download it; `partial`: a part of a
 * download; `present`: it is here, and not known to be right as it is now; `verified`: its MD5 is the
 * published one; `content-checked`: the published MD5 is disputed and does not match, and the content
 * is whole; `crc-checked`: the archive is not here, and each image of it that is here, all of them or
 * single ones that were fetched without it, has the CRC-32 that the archive has for it; `named`:
 * likewise, but some of them were adopted by their names, with nothing to check them by; `bad`: it, or an image extracted from it, is not what was published;
 * `missing`: nothing; `removed`: the archive is not here any more, and all its images are, extracted and
 * checked; `resized`: likewise, but they were written smaller than published, each out of a member that was
 * checked, and are as the ledger has them. Where nothing is read, it is so by the ledger, size and mtime.
 */
export type FileStatus = (typeof FILE_STATUSES)[number];

type CamelCase<Text extends string> = Text extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Text;

/** A status as the key of a number: `contentChecked`. */
export type StatusKey = CamelCase<FileStatus>;

export const STATUS_KEYS: Readonly<Record<FileStatus, StatusKey>> = {
  'to-download': 'toDownload',
  partial: 'partial',
  present: 'present',
  verified: 'verified',
  'content-checked': 'contentChecked',
  'crc-checked': 'crcChecked',
  named: 'named',
  bad: 'bad',
  missing: 'missing',
  removed: 'removed',
  resized: 'resized',
};

/** A status as people read it. */
export function statusText(status: FileStatus): string {
  return status === 'to-download' ? 'to download' : status;
}

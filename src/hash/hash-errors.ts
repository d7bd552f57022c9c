/** No thread could be started: whoever asked can hash by itself. */
export class HashUnavailable extends Error {
  override readonly name = 'HashUnavailable';
}

/** What was written is not there: another process has cut the file, or the disk has lied. */
export class ShortFileError extends Error {
  override readonly name = 'ShortFileError';
  readonly code = 'EIO';

  constructor() {
    super('the file is shorter than what was written');
  }
}

import { errnoOf } from '../errors.ts';

/**
 * From file systems without hard links (FAT, some shares), or that forbid them. Windows says EISDIR for FAT
 * and exFAT: so libuv translates "invalid function".
 */
const NO_LINKS: ReadonlySet<string> = new Set([
  ...['EPERM', 'EACCES', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV', 'EISDIR'],
]);

/** Whether the failure of a hard link says that there can be none here: another way may do. */
export function cannotLink(error: unknown): boolean {
  return NO_LINKS.has(errnoOf(error) ?? '');
}

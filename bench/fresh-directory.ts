import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';

/**
 * Marks a directory, so that what `freshDirectory` makes in it is spread over the disk: ext4 makes a
 * file near its directory, and looks there at every file that was removed in the last minutes. Else
 * each run would be the slower the more files the run before it has left to be removed.
 * @returns false: there is no such mark here
 */
export function spreadOverDisk(directory: string): boolean {
  return spawnSync('chattr', ['+T', directory]).status === 0;
}

/** A command that removes a directory and makes it anew, at a place that goes by its first name. */
export function freshDirectory(path: string): string {
  return `rm -rf ${path} && mv "$(mktemp -d ${dirname(path)}/fresh.XXXXXXXX)" ${path}`;
}

import { HERE, isFolder, type ZipEntry } from './entry.ts';
import { foldName } from './names.ts';
import { toName, type Verdict } from './verdict.ts';

/**
 * Judges whether each name can have a file of its own: no name twice, on any file system (whether or
 * not it minds case and accents), and none that is a file here and a folder there. Pure.
 * @param entries with usable names
 */
export function judgeClashes(entries: readonly ZipEntry[], verdict: Verdict): void {
  const files = new Map<string, string>();
  const folders = new Map<string, string>();
  for (const entry of entries) {
    if (entry.name === HERE) continue;
    const path = entry.name.replace(/\/$/, '');
    if (isFolder(entry)) noteFolder(path, folders, verdict);
    else {
      noteFile(path, files, verdict);
      const end = path.lastIndexOf('/');
      if (end > 0) noteFolder(path.slice(0, end), folders, verdict);
    }
  }
  for (const [key, name] of files) {
    if (folders.has(key)) verdict.refuse('is both a file and a folder', name);
  }
}

function noteFile(name: string, files: Map<string, string>, verdict: Verdict): void {
  const key = foldName(name);
  const twin = files.get(key);
  if (twin === undefined) files.set(key, name);
  else if (twin === name) verdict.refuse('is there twice', name);
  else verdict.refuse(`would be the same file as ${toName(twin)} on some systems`, name);
}

/** With all the folders above it; those are known already where it is known itself. */
function noteFolder(path: string, folders: Map<string, string>, verdict: Verdict): void {
  for (let folder = path; folder !== ''; folder = parentOf(folder)) {
    const key = foldName(folder);
    const twin = folders.get(key);
    if (twin === folder) return;
    if (twin !== undefined) {
      verdict.refuse(`would be the same folder as ${toName(twin)} on some systems`, folder);
      return;
    }
    folders.set(key, folder);
  }
}

function parentOf(path: string): string {
  const end = path.lastIndexOf('/');
  return end < 0 ? '' : path.slice(0, end);
}

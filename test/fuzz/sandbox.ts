import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** In memory where there is such a place: 20,000 archives are unpacked, each flushed. */
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
/** Where archives with absolute names want to write. */
export const CANARY = join(tmpdir(), 'ccxri-fuzz-canary');

/**
 * A folder that a parser may write in, deep in one that it may not: `outside` files and folders stand
 * around it, where `..` and absolute names lead.
 */
export class Sandbox {
  readonly root: string;
  /** The folder to write in. */
  readonly inside: string;
  readonly #around: readonly string[];

  constructor() {
    this.root = mkdtempSync(join(PLACE, 'ccxri-fuzz-'));
    this.inside = join(this.root, 'a', 'b', 'inside');
    mkdirSync(join(this.root, 'a', 'b'), { recursive: true });
    for (const folder of ['', 'a', 'a/b']) {
      writeFileSync(join(this.root, folder, 'outside.txt'), 'outside');
    }
    this.#around = listAround(this.root, this.inside);
  }

  /** Empties the folder. */
  clear(): void {
    rmSync(this.inside, { recursive: true, force: true });
    mkdirSync(this.inside);
  }

  /** Nothing but the folder was touched. */
  assertKept(): void {
    assert.deepEqual(listAround(this.root, this.inside), this.#around, 'written outside');
    for (const folder of ['', 'a', 'a/b']) {
      assert.equal(readFileSync(join(this.root, folder, 'outside.txt'), 'utf8'), 'outside');
    }
    assert(!existsSync(CANARY), `written to ${CANARY}`);
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}

/** Every name around the folder, not those in it. */
function listAround(root: string, inside: string, folder = root): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (path === inside) return [];
    return entry.isDirectory() ? [path, ...listAround(root, inside, path)] : [path];
  });
}

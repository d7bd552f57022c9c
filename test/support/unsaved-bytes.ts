import { spawnSync } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf } from '../../src/dataset/layout.ts';
import { durableSpansOf, parsePartState } from '../../src/download/part-state.ts';

export const hasFallocate = spawnSync('fallocate', ['--version']).status === 0;
if (!hasFallocate) console.warn('SKIPPED: no fallocate here; what a kill costs is not measured');

/**
 * Gives the disk back what a killed run has written and its state does not vouch for. The next run
 * has to take it for absent anyway; left where it is, it would count as written by the next run when
 * that one is killed and its blocks are looked at.
 */
export async function forgetUnsaved(dest: string): Promise<void> {
  const { partial } = layoutOf(dest);
  for (const name of await readdir(partial).catch(() => [])) {
    if (!name.endsWith('.part')) continue;
    const path = join(partial, name);
    const text = await readFile(path.replace(/part$/, 'json'), 'utf8').catch(() => '{}');
    const state = parsePartState(text);
    const { size } = await stat(path);
    let at = 0;
    const kept = typeof state === 'object' ? durableSpansOf(state) : [];
    for (const [from, to] of [...kept, [size, size] as const]) {
      if (from > at) punch(path, at, from - at);
      at = to;
    }
  }
}

function punch(path: string, offset: number, length: number): void {
  const args = ['--punch-hole', '--offset', String(offset), '--length', String(length), path];
  const { status, stderr } = spawnSync('fallocate', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`fallocate: ${stderr}`);
}

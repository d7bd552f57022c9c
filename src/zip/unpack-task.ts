import { join } from 'node:path';
import { toErrorData } from '../threads/error-data.ts';
import type { MemberUnpacker } from './inflate.ts';
import { NewFiles } from './new-files.ts';
import type { FromUnpackThread, UnpackTask } from './unpack-messages.ts';

const PROGRESS_EVERY_MS = 100;

/**
 * Works through a task, to its end or to the first thing that goes wrong.
 * @param tell hears of the progress
 * @returns the last message
 */
export function workThrough(
  task: UnpackTask,
  unpacker: MemberUnpacker,
  tell: (message: FromUnpackThread) => void,
): FromUnpackThread {
  const files = new NewFiles();
  try {
    const progress = new Progress(tell);
    for (const unpacked of unpacker.contents(task, task.members)) {
      // In every turn: a stop is heard within a member.
      if (Atomics.load(task.stop, 0) !== 0) return { kind: 'stopped' };
      const { member, checked } = unpacked;
      if (task.into === null) checked();
      else files.write(join(task.into, member.name), unpacked);
      progress.add(member.size);
    }
    files.flush();
    progress.end();
    return { kind: 'done' };
  } catch (error) {
    return { kind: 'failed', error: toErrorData(error) };
  } finally {
    files.abandon();
  }
}

class Progress {
  readonly #tell: (message: FromUnpackThread) => void;
  #doneBytes = 0;
  #toldAtMs = performance.now();

  constructor(tell: (message: FromUnpackThread) => void) {
    this.#tell = tell;
  }

  add(bytes: number): void {
    this.#doneBytes += bytes;
    if (performance.now() - this.#toldAtMs >= PROGRESS_EVERY_MS) this.end();
  }

  end(): void {
    this.#toldAtMs = performance.now();
    this.#tell({ kind: 'progress', doneBytes: this.#doneBytes });
  }
}

import { createInterface } from 'node:readline';
import { throwIfAborted, toAbortError } from '../abort.ts';
import type { CliIo } from './io.ts';

/**
 * Asks on stderr, reads a line from stdin; only `y` and `yes` are yes, and so is no end of input.
 * @throws CcxriError `aborted`
 */
export async function askYesNo(
  io: Pick<CliIo, 'stdin' | 'stderr' | 'signal'>,
  question: string,
): Promise<boolean> {
  throwIfAborted(io.signal);
  // Not in raw mode (`terminal: false`): Ctrl-C has to reach the process as a signal.
  const lines = createInterface({ input: io.stdin, terminal: false });
  io.stderr.write(`${question} [y/N] `);
  try {
    return await new Promise<boolean>((resolve, reject) => {
      lines.once('line', (line) => resolve(/^\s*y(?:es)?\s*$/i.test(line)));
      lines.once('close', () => resolve(false));
      io.signal.addEventListener('abort', () => reject(toAbortError(io.signal)), { once: true });
    });
  } finally {
    lines.close();
  }
}

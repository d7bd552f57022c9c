import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { throwIfAborted } from '../abort.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import type { LabelFacts, LabelForm } from './audit.ts';
import type { ArchiveFacts } from './join.ts';

/** Of a row of index.csv: the archive, from its path; and its last two cells, No_Finding and COVID-19. */
const ROW = /^"?images\/([^/]+)\/.*,([01]?),([01]?)$/;

/**
 * Which label file's labels an index has, and would lose if it were written anew: one that is not
 * here now.
 * @param index path of an index.csv, here or not
 * @throws CcxriError of the disk; `aborted`
 */
export async function findLostLabels(
  index: string,
  files: readonly LabelFacts[],
  options: { readonly archives: readonly ArchiveFacts[]; readonly signal: AbortSignal | undefined },
): Promise<LabelFacts | undefined> {
  const absent = files.filter((file) => !file.present && !isCovered(file, files));
  if (absent.length === 0) return undefined;
  const dueOf = new Map(
    options.archives.map(({ stem, subsets }) => [stem, absent.filter((of) => shares(of, subsets))]),
  );
  const input = createReadStream(index);
  try {
    const lines = createInterface({ input, crlfDelay: Infinity });
    for await (const line of lines) {
      throwIfAborted(options.signal);
      const [, stem = '', noFinding, covid] = ROW.exec(line) ?? [];
      const has: Readonly<Record<LabelForm, boolean>> = {
        chest: isKnown(noFinding),
        covid: isKnown(covid),
      };
      const lost = dueOf.get(stem)?.find(({ form }) => has[form]);
      if (lost !== undefined) return lost;
    }
    return undefined;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw toDiskError(error, 'read', { path: index });
  } finally {
    input.destroy();
  }
}

function isKnown(cell: string | undefined): boolean {
  return cell !== undefined && cell !== '';
}

/** Another file that is here may be what an index has its labels from. */
function isCovered({ form, subsets }: LabelFacts, files: readonly LabelFacts[]): boolean {
  return files.some((file) => file.present && file.form === form && shares(file, subsets));
}

function shares(file: LabelFacts, subsets: readonly string[]): boolean {
  return file.subsets.some((subset) => subsets.includes(subset));
}

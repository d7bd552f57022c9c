import { count, toPrintable } from '../text.ts';
import type { FindingKind, JoinFinding } from './audit.ts';

/** A finding in a sentence, with an example or two, safe for a terminal. */
export function describeFinding(finding: JoinFinding): string {
  const text = TEXTS[finding.kind](finding.count, finding.file ?? 'the label file');
  const shown = finding.examples.slice(0, 2).map((example) => toPrintable(example, 120));
  const more = finding.count > shown.length ? ', …' : '';
  return shown.length === 0 ? text : `${text} (${shown.join(', ')}${more})`;
}

const TEXTS: Readonly<Record<FindingKind, (n: number, file: string) => string>> = {
  'no-label-file': (n, file) =>
    `${file} is not here: ${count(n, 'image')} without labels; \`ccxri fetch --file ${file}\` gets it`,
  'image-without-row': (n, file) => `${count(n, 'image')} without a row in ${file}`,
  'row-without-image': (n, file) =>
    `${count(n, 'row')} of ${file} without an image, though the archive is here`,
  'contradictory-row': (n) => `${count(n, 'image')} with No_Finding and a finding together`,
  'patient-in-two-archives': (n) =>
    `${count(n, 'patient')} in more than one archive: split by patient_id, not by archive`,
  'repeated-row': (n, file) =>
    `${count(n, 'row')} of ${file} ${n === 1 ? 'says' : 'say'} again what an earlier row says`,
  'unused-column': (n, file) => `${count(n, 'column')} of ${file} not used`,
  'stray-file': (n) =>
    count(n, 'file under images/ is no image', 'files under images/ are no images'),
  'unknown-folder': (n) =>
    `${count(n, 'folder')} under images/ that no archive of the manifest has: not indexed`,
};

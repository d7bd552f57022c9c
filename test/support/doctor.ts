import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ExitCode, exitCodeOf, worstOf } from '../../src/cli/exit-codes.ts';
import { diagnose } from '../../src/doctor/diagnose.ts';
import type { DoctorOptions } from '../../src/doctor/types.ts';
import { CcxriError } from '../../src/errors.ts';
import type { CheckName, CheckRow } from '../../src/checks.ts';
import { manifestOf, sampleArchive, sampleLabels } from './fetching.ts';
import { writeTree } from './temp-dirs.ts';

export const ARCHIVE = sampleArchive('ChestDx-1.zip', { bytes: 1_000_000 });
export const LABELS = sampleLabels(
  'chest_dx.csv',
  `image,zip,Mass\n${'a_000.jpg,ChestDx-1,1\n'.repeat(99)}`,
);
export const MANIFEST = manifestOf(ARCHIVE, LABELS);

/** The files of the release below a directory. */
export function writeRelease(root: string): Promise<void> {
  return writeTree(root, { [ARCHIVE.name]: ARCHIVE.bytes, [LABELS.name]: LABELS.bytes });
}

/** @returns the path of the manifest's file */
export async function writeManifest(root: string): Promise<string> {
  const path = join(root, 'manifest.json');
  await writeFile(path, JSON.stringify(MANIFEST));
  return path;
}

export interface Diagnosis {
  readonly rows: readonly CheckRow[];
  /** The first row of a check. */
  readonly row: (check: CheckName) => CheckRow | undefined;
  /** Checks with this status, in order. */
  readonly all: (status: CheckRow['status']) => readonly CheckName[];
  /** As the command has it. */
  readonly code: ExitCode;
}

export async function runDiagnose(
  options: Pick<DoctorOptions, 'dest'> & Partial<DoctorOptions>,
): Promise<Diagnosis> {
  const { checks: rows } = await diagnose({ manifest: MANIFEST, timeoutMs: 5000, ...options });
  const codes = rows.flatMap(({ code, seen }) =>
    code === undefined ? [] : [exitCodeOf(new CcxriError(code, seen))],
  );
  return {
    rows,
    row: (check) => rows.find((row) => row.check === check),
    all: (status) => rows.filter((row) => row.status === status).map(({ check }) => check),
    code: worstOf(codes),
  };
}

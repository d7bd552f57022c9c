import { crc32 } from 'node:zlib';
import type { MembersRecord } from '../../src/dataset/ledger.ts';
import { JoinAudit } from '../../src/labels/audit.ts';
import {
  type ArchiveFacts,
  type LabelFacts,
  type LabelTables,
  compareWithLedger,
  joinArchive,
} from '../../src/labels/join.ts';
import type { Remark } from '../../src/labels/remarks.ts';

const ARCHIVES: Readonly<Record<string, readonly string[]>> = {
  'ChestDx-1': ['chestdx'],
  'ChestDx-2': ['chestdx'],
  'Normal-1': ['cc-cxri-p', 'normal'],
  'Other-1': ['cc-cxri-p', 'other'],
  'Viral-1': ['cc-cxri-p', 'viral'],
  'Viral-2': ['cc-cxri-p', 'viral'],
};
export const archives: readonly ArchiveFacts[] = Object.entries(ARCHIVES).map(
  ([stem, subsets]) => ({
    file: `${stem}.zip`,
    stem,
    subsets,
  }),
);
export const CHEST = 'chest_dx.csv';
export const COVID = 'covid.csv';

export interface Case {
  readonly name: string;
  /** Image names by archive. */
  readonly images: Readonly<Record<string, readonly string[]>>;
  readonly strays?: readonly string[];
  /** Of the ledger, by archive. */
  readonly records?: Readonly<Record<string, MembersRecord>>;
  /** Labels' bits by `archive/image`; absent: the file is not here. */
  readonly chest?: Readonly<Record<string, number>>;
  readonly covid?: Readonly<Record<string, boolean>>;
  readonly remarks: readonly Partial<Remark>[];
  readonly absent?: number;
}

export function tablesOf({ chest, covid }: Case): LabelTables {
  const rest = { repeated: { count: 0, examples: [] }, extraColumns: [] };
  const byArchive = new Map<string, Map<string, number>>();
  for (const [place, bits] of Object.entries(chest ?? {})) {
    const [stem = '', image = ''] = place.split('/');
    const images = byArchive.get(stem) ?? new Map<string, number>();
    byArchive.set(stem, images.set(image, bits));
  }
  const byImage = new Map(Object.entries(covid ?? {}));
  return {
    chest: chest === undefined ? [] : [{ form: 'chest', file: CHEST, rows: 0, byArchive, ...rest }],
    covid: covid === undefined ? [] : [{ form: 'covid', file: COVID, rows: 0, byImage, ...rest }],
  };
}

export function labelFiles({ chest, covid }: Case): readonly LabelFacts[] {
  return [
    { file: CHEST, subsets: ['chestdx'], form: 'chest', present: chest !== undefined },
    { file: COVID, subsets: ['cc-cxri-p', 'viral'], form: 'covid', present: covid !== undefined },
  ];
}

export function auditOf(testCase: Case) {
  const tables = tablesOf(testCase);
  const audit = new JoinAudit({ archives, labels: { files: labelFiles(testCase), tables } });
  for (const [stem, images] of Object.entries(testCase.images)) {
    const strays = testCase.strays ?? [];
    const of = { file: `${stem}.zip`, stem, subsets: ARCHIVES[stem] ?? [] };
    const folder = { ...of, images, strays };
    const archive = compareWithLedger(folder, testCase.records?.[stem]);
    audit.add(archive, joinArchive(archive, tables), testCase.records?.[stem]);
  }
  return audit.finish();
}

/** Of single images. */
export function recordOf(stem: string, paths: readonly string[]): MembersRecord {
  return {
    ledgerVersion: 2,
    archive: `${stem}.zip`,
    md5: null,
    isComplete: false,
    extractedAt: '2026-01-05T10:11:12Z',
    members: paths.map((path) => ({
      ...{ path, bytes: 1, crc32: crc32(`${stem}/${path}`), state: 'crc-checked' },
    })),
  };
}

import { createHash } from 'node:crypto';
import { type Manifest, type ManifestFile, stemOf } from '../../src/manifest/manifest.ts';
import { toPublishedSize } from '../../src/manifest/size.ts';
import { GROUPS, type LabelFile, groupOf } from './groups.ts';
import type { ReleaseSpec } from './release-types.ts';

/** A file of a release as it was written. */
export interface WrittenFile {
  readonly name: string;
  readonly bytes: number;
  readonly md5: string;
}

const DISPUTED =
  'the page gives this MD5 for both Viral-1.zip and Other-1.zip: at least one of the two is wrong';
const TWINS: readonly string[] = ['Viral-1.zip', 'Other-1.zip'];

/** The manifest of a release, in the order of the dataset's page. */
export function toManifest(spec: ReleaseSpec, written: readonly WrittenFile[]): Manifest {
  const doubled = doubledMd5(spec, written);
  const files = GROUPS.flatMap((group) => [
    ...written
      .filter(({ name }) => name.endsWith('.zip') && groupOf(stemOf(name)) === group)
      .map((file) => toArchive(spec, file, TWINS.includes(file.name) ? doubled : undefined)),
    ...written
      .filter(({ name }) => name === group.labelFile?.name)
      .map((file) => toLabels(spec, file, group.labelFile)),
  ]);
  return {
    manifestVersion: 1,
    dataset: spec.dataset ?? 'CC-CXRI (made up)',
    version: `made up from seed "${spec.seed}"`.slice(0, 50),
    released: '2021-03-21',
    homepage: spec.homepage ?? 'http://127.0.0.1/',
    citation: 'Drawn by ccxri. There is no patient behind it: do not cite it, do not train on it.',
    files,
  };
}

function toArchive(spec: ReleaseSpec, file: WrittenFile, doubled: string | undefined) {
  const { category, subsets } = groupOf(stemOf(file.name));
  const entry: ManifestFile = {
    name: file.name,
    kind: 'archive',
    category,
    subsets: [...subsets],
    size: toPublishedSize(file.bytes),
    md5: doubled ?? file.md5,
    ...(spec.exactBytes === false ? {} : { bytes: file.bytes }),
    ...(doubled === undefined ? {} : { md5Disputed: DISPUTED }),
  };
  return entry;
}

function toLabels(spec: ReleaseSpec, file: WrittenFile, labels: LabelFile | undefined) {
  const entry: ManifestFile = {
    name: file.name,
    kind: 'labels',
    category: 'labels',
    subsets: [...(labels?.subsets ?? [])],
    size: toPublishedSize(file.bytes),
    md5: file.md5,
    ...(spec.exactBytes === false ? {} : { bytes: file.bytes }),
  };
  return entry;
}

/** The MD5 that stands twice. */
function doubledMd5(
  { doubledMd5: of }: ReleaseSpec,
  written: readonly WrittenFile[],
): string | undefined {
  if (of === undefined) return undefined;
  const neither = createHash('md5').update('neither of the two').digest('hex');
  return written.find(({ name }) => name === `${of}.zip`)?.md5 ?? neither;
}

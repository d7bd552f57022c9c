import { describe, expect, it } from 'vitest';
import type { FileSurvey } from '../../src/dataset/survey.ts';
import {
  type ChosenArchive,
  type ListedImages,
  decideImages,
} from '../../src/fetch/plan-images.ts';
import { manifestOf, noise, sampleArchive } from '../support/fetching.ts';
import { listAndPlace } from '../support/listing.ts';
import { buildZip } from '../support/zip-builder.ts';
import { surveyOf } from '../support/survey.ts';

const [file] = manifestOf(sampleArchive('ChestDx-1.zip')).files;
if (file === undefined) throw new Error('no file');

const survey = surveyOf(file);

/** Ten images of 10 KB in an archive of about 100 KB. */
const { listing } = await listAndPlace(
  buildZip(
    Array.from({ length: 10 }, (_, n) => ({
      name: `patient${n}_000.jpg`,
      content: noise(`${n}`, 10_000),
      method: 0,
    })),
  ),
);
const { members, sizeBytes } = listing;
const images = members.map(({ path }) => ({
  archive: 'ChestDx-1',
  image: path,
  subset: 'chestdx',
  group: null,
  patientId: path,
  bits: 1,
  covid: null,
}));

interface Case {
  readonly name: string;
  /** Of the ten, those that are not here. */
  readonly missing: number;
  readonly kind: string;
  readonly listed?: Partial<ListedImages>;
  readonly survey?: Partial<FileSurvey>;
}

describe('what is to be done for the images of an archive', () => {
  it.each<Case>([
    { name: 'none is missing', missing: 0, kind: 'done' },
    {
      name: 'none is missing, but the ledger lacks some',
      missing: 0,
      listed: { needsRecord: true },
      kind: 'members',
    },
    { name: 'less than half of it', missing: 4, kind: 'members' },
    { name: 'more than half of it', missing: 6, kind: 'whole' },
    {
      name: 'all of it, and it is on this machine',
      missing: 10,
      listed: { isLocal: true },
      kind: 'members',
    },
    {
      name: 'most of it is in a part: the rest is less',
      missing: 4,
      survey: { partBytes: 70_000 },
      kind: 'whole',
    },
    {
      name: 'some of it is in a part: the images are less',
      missing: 4,
      survey: { partBytes: 40_000 },
      kind: 'members',
    },
    {
      name: 'all that is missing was fetched before',
      missing: 6,
      listed: { stored: [{ start: 0, length: sizeBytes }] },
      kind: 'members',
    },
  ])('$name: $kind', ({ missing, kind, listed, survey: of }) => {
    const isHere = images.slice(missing).map(({ image }) => image);
    const chosen: ChosenArchive = {
      survey: { ...survey, ...of },
      images,
      here: new Set(isHere),
      listed: {
        archiveBytes: sizeBytes,
        isLocal: false,
        members,
        missing: members.slice(0, missing),
        absent: [],
        needsRecord: false,
        stored: [],
        ...listed,
      },
    };
    const task = decideImages(chosen, {
      extract: true,
      deleteArchives: false,
      concurrency: 4,
    });
    expect(task.kind).toBe(kind);
    expect(task.step.images).toBe(missing);
  });
});

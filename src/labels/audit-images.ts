import { allMembersOf } from '../dataset/images.ts';
import type { MembersRecord } from '../dataset/ledger.ts';
import {
  type ArchiveImages,
  type IndexRow,
  isImagePath,
  numberOf,
  patientOf,
  placeOf,
  toImageKey,
} from './join.ts';
import type { Remarks } from './remarks.ts';

/**
 * What the names of images, and their length and CRC-32 in the ledger, say of them, in whatever archive they
 * are: a name or a patient in two of them, a gap in the numbers of a patient's images, identical images.
 */
export class ImageAudit {
  readonly #remarks: Remarks;
  /** Name to the first archive that has it. */
  readonly #names = new Map<string, string>();
  /** Patient to the first archive they were met in. */
  readonly #patients = new Map<string, string>();
  readonly #sharedPatients = new Set<string>();
  /** Length and CRC-32 to the first image that has them. */
  readonly #contents = new Map<number | string, string>();

  constructor(remarks: Remarks) {
    this.#remarks = remarks;
  }

  add(archive: ArchiveImages, rows: readonly IndexRow[], record: MembersRecord | undefined): void {
    for (const row of rows) {
      this.#addName(row);
      this.#addPatient(row);
    }
    if (record === undefined) return;
    this.#findGaps(archive, record);
    this.#addContents(archive, record);
  }

  #addName(row: IndexRow): void {
    const name = toImageKey(row.image);
    const first = this.#names.get(name);
    if (first === undefined) this.#names.set(name, row.archive);
    else if (first === row.archive) this.#remarks.note('repeated-image', placeOf(row));
    else {
      this.#remarks.note('image-in-two-archives', `${name} in ${first} and ${row.archive}`);
    }
  }

  #addPatient({ patientId, archive }: IndexRow): void {
    if (patientId === '') return;
    const first = this.#patients.get(patientId);
    if (first === undefined) this.#patients.set(patientId, archive);
    else if (first !== archive && !this.#sharedPatients.has(patientId)) {
      this.#sharedPatients.add(patientId);
      const example = `${patientId} in ${first} and ${archive}`;
      this.#remarks.note('patient-in-two-archives', example);
    }
  }

  /** Of what the archive has: an image that was removed from its folder leaves no gap in the archive. */
  #findGaps({ stem }: ArchiveImages, record: MembersRecord): void {
    const members = allMembersOf(record);
    if (members === undefined) return;
    // Of most patients there is one image, 000: no set is made for them.
    const begun = new Set<string>();
    const later = new Map<string, Set<number>>();
    for (const { path } of [...members, ...(record.damaged ?? [])]) {
      const image = path.slice(path.lastIndexOf('/') + 1);
      const number = numberOf(image);
      if (number === undefined || !isImagePath(path)) continue;
      const patient = patientOf(image);
      const own = later.get(patient);
      if (number === 0) begun.add(patient);
      else if (own === undefined) later.set(patient, new Set([number]));
      else own.add(number);
    }
    for (const [patient, own] of later) {
      const missing = begun.has(patient) ? firstMissing(own) : 0;
      if (missing > own.size) continue;
      const name = `${patient}_${String(missing).padStart(3, '0')}`;
      this.#remarks.note('number-gap', `${stem}/${name} is missing`);
    }
  }

  #addContents({ stem, images }: ArchiveImages, { members }: MembersRecord): void {
    const here = new Set(images);
    for (const { path, bytes, crc32 } of members) {
      // An empty one is noted as broken.
      if (bytes === 0 || !here.has(path)) continue;
      // A number takes less memory; above 2 MiB it would not be exact.
      const content = bytes < 2 ** 21 ? bytes * 2 ** 32 + crc32 : `${bytes} ${crc32}`;
      const first = this.#contents.get(content);
      const place = `${stem}/${path}`;
      if (first === undefined) this.#contents.set(content, place);
      else this.#remarks.note('identical-images', `${place} and ${first}`);
    }
  }
}

/** From 1 on. */
function firstMissing(numbers: ReadonlySet<number>): number {
  let at = 1;
  while (numbers.has(at)) at += 1;
  return at;
}

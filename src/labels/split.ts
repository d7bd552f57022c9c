import { type IndexRow, compareNames } from './join.ts';
import { RANKS, seededRank } from './seeded-rank.ts';
import { SPLIT_LABELS } from './split-labels.ts';

/** A part of a split, and which share of the patients it gets. */
export interface PartShare {
  /** Its name: `train`. */
  readonly part: string;
  /** From 0 to 1; of all parts together 1. */
  readonly share: number;
}

/** How patients are split. */
export interface SplitPlan {
  readonly parts: readonly PartShare[];
  readonly seed: string;
  /** Split the patients of each rare label by themselves. */
  readonly stratify: boolean;
}

export interface SplitPatient {
  readonly id: string;
  /** Bits of SPLIT_LABELS that one of the patient's images has. */
  readonly has: number;
}

/** An image whose name has no patient is one of its own. */
export function patientKey({ patientId, image }: Pick<IndexRow, 'patientId' | 'image'>): string {
  return patientId === '' ? image : patientId;
}

/** The part of each patient. */
export interface PatientParts {
  readonly parts: ReadonlyMap<string, string>;
  /** Patients who are in another part than without `stratify`. */
  readonly moved: number;
}

/**
 * Splits patients. Without `stratify` the seed and the name of a patient decide alone, so that who else is
 * there does not matter. Pure: the order of the patients does not matter either.
 */
export function splitPatients(patients: readonly SplitPatient[], plan: SplitPlan): PatientParts {
  const ranked = patients.map((patient) => ({
    ...patient,
    at: seededRank(plan.seed, patient.id) / RANKS,
  }));
  const byHash = new Map(ranked.map(({ id, at }) => [id, partAt(at, plan.parts)]));
  if (!plan.stratify) return { parts: byHash, moved: 0 };
  const parts = stratified(ranked, plan.parts);
  let moved = 0;
  for (const [id, part] of parts) if (byHash.get(id) !== part) moved += 1;
  return { parts, moved };
}

/** @param at from 0, below 1 */
function partAt(at: number, parts: readonly PartShare[]): string {
  let end = 0;
  for (const { part, share } of parts) {
    end += share;
    if (at < end) return part;
  }
  // The shares may add up to a little less than 1.
  return parts.at(-1)?.part ?? '';
}

interface RankedPatient extends SplitPatient {
  readonly at: number;
}

function stratified(
  patients: readonly RankedPatient[],
  shares: readonly PartShare[],
): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  // What a part got less than its share of the strata before, so that the parts keep their sizes.
  const owed = shares.map(() => 0);
  for (const stratum of strataOf(patients)) {
    stratum.sort((a, b) => a.at - b.at || compareNames(a.id, b.id));
    const targets = shares.map(({ share }, at) => share * stratum.length + (owed[at] ?? 0));
    const quotas = quotasOf(targets, stratum.length);
    let next = 0;
    for (const [at, { part }] of shares.entries()) {
      const quota = quotas[at] ?? 0;
      for (const { id } of stratum.slice(next, next + quota)) parts.set(id, part);
      next += quota;
      owed[at] = (targets[at] ?? 0) - quota;
    }
  }
  return parts;
}

/** The largest remainder: whole numbers that add up to `total`, each close to its target. */
function quotasOf(targets: readonly number[], total: number): readonly number[] {
  const quotas = targets.map(() => 0);
  for (let given = 0; given < total; given += 1) {
    let neediest = 0;
    let most = -Infinity;
    for (const [at, target] of targets.entries()) {
      const need = target - (quotas[at] ?? 0);
      if (need > most + 1e-9) [neediest, most] = [at, need];
    }
    quotas[neediest] = (quotas[neediest] ?? 0) + 1;
  }
  return quotas;
}

/** Patients by the rarest label that each has, the rarest first; at last those who have none. */
function strataOf<Patient extends SplitPatient>(
  patients: readonly Patient[],
): readonly Patient[][] {
  const counts = SPLIT_LABELS.map(
    (_, bit) => patients.filter(({ has }) => (has & (1 << bit)) !== 0).length,
  );
  const rarestFirst = SPLIT_LABELS.map((_, bit) => bit).sort(
    (a, b) => (counts[a] ?? 0) - (counts[b] ?? 0) || a - b,
  );
  const strata = new Map<number, Patient[]>([...rarestFirst, -1].map((bit) => [bit, []]));
  for (const patient of patients) {
    const bit = rarestFirst.find((each) => (patient.has & (1 << each)) !== 0) ?? -1;
    strata.get(bit)?.push(patient);
  }
  return [...strata.values()];
}

import { finalPathOf } from '../dataset/layout.ts';
import type { MembersRecord, Receipt } from '../dataset/ledger.ts';
import { stateOf } from '../dataset/survey.ts';
import { statOrNull } from '../fs/paths.ts';
import type { Present, VerifyRun } from './types.ts';

/**
 * Records that a file that the ledger knows is bad, so that no quick check and no fetch relies on the
 * old record. It never fails: a dataset that can't be written is no less bad.
 */
export function noteBad(present: Present, run: VerifyRun): Promise<void> {
  const foundBadAt = run.session.clock.date().toISOString();
  return noteFile(present, run, (receipt) =>
    receipt.foundBadAt === undefined ? { ...receipt, foundBadAt } : undefined,
  );
}

/**
 * Records that a file which had changed, or was found bad, is the one that passed once. It never fails.
 * @param md5 of the bytes that were read
 */
export function noteGood(present: Present, md5: string, run: VerifyRun): Promise<void> {
  const { file, here } = present;
  const checkedAt = run.session.clock.date().toISOString();
  return noteFile(present, run, ({ foundBadAt, ...receipt }) => {
    const state = stateOf(file, { ...receipt, foundBadAt }, here.stats);
    if (state !== 'changed' || receipt.md5 !== md5) return undefined;
    return { ...receipt, mtimeMs: here.stats.mtimeMs, checkedAt };
  });
}

/**
 * Changes the record of a file that was read, unless another one has been put in its place since.
 * @param change undefined: the record is right as it is
 */
async function noteFile(
  { file, here }: Present,
  run: VerifyRun,
  change: (receipt: Receipt) => Omit<Receipt, 'ledgerVersion'> | undefined,
): Promise<void> {
  const { ledger, layout } = run.session;
  // The ledger speaks of files in their place.
  if (here.path !== finalPathOf(layout, file)) return;
  const readChanged = async () => {
    const receipt = await ledger.readReceipt(file.name).catch(() => undefined);
    return receipt === undefined ? undefined : change(receipt);
  };
  // Before the lock: in a directory without a ledger there is nothing to record, and nothing is written.
  if ((await readChanged()) === undefined) return;
  await noteInLedger(run, async () => {
    const changed = await readChanged();
    if (changed !== undefined && (await isAsRead(here))) await ledger.writeReceipt(changed);
  });
}

/** Whether it is still the file that was looked at before it was read. */
async function isAsRead({ path, stats }: Present['here']): Promise<boolean> {
  const now = await statOrNull(path);
  return now?.ino === stats.ino && now.size === stats.size && now.mtimeMs === stats.mtimeMs;
}

/**
 * The same for extracted images: the ledger's list of them says that they are damaged, or, once all
 * of them have passed again, no longer. It never fails, either.
 * @param known the list as it was before they were looked at
 * @returns whether the ledger says so now, so that a fetch goes by it
 */
export async function noteImages(
  known: MembersRecord | undefined,
  how: 'good' | 'bad',
  run: Pick<VerifyRun, 'session' | 'noteLimit'>,
): Promise<boolean> {
  if (known === undefined) return false;
  const { ledger, clock } = run.session;
  const { foundBadAt, ...record } = known;
  if ((how === 'bad') === (foundBadAt !== undefined)) return true;
  return noteInLedger(run, async () => {
    const now = await ledger.readMembers(known.archive);
    // Another run may have extracted them again.
    if (now?.extractedAt !== known.extractedAt || now.md5 !== known.md5) return false;
    const mark = how === 'bad' ? { foundBadAt: clock.date().toISOString() } : {};
    await ledger.writeMembers({ ...record, ...mark });
    return true;
  });
}

/**
 * Changes a record under the lock, so that no other run writes it in between.
 * @returns false: it could not be changed, because another run holds the lock, or the directory can't
 * be written
 */
function noteInLedger(
  { session, noteLimit }: Pick<VerifyRun, 'session' | 'noteLimit'>,
  change: () => Promise<unknown>,
): Promise<boolean> {
  return noteLimit(async () => {
    try {
      return (await session.withLock({ wait: false }, change)) !== false;
    } catch {
      return false;
    }
  });
}

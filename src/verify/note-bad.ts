import { finalPathOf } from '../dataset/layout.ts';
import type { MembersRecord } from '../dataset/ledger-schema.ts';
import { stateOf } from '../dataset/survey.ts';
import type { Located } from './locate.ts';
import type { VerifyContext } from './verify-context.ts';

/**
 * Takes the ledger's word for a file back, so that no quick look and no fetch goes by it. Nothing is
 * done about a record that is of other bytes than were read: a fetch at work may have put them there.
 * It never fails: a dataset that can't be written is no less bad.
 */
export async function noteBad(
  { file, here }: Pick<Located, 'file' | 'here'>,
  { ledger, layout, clock }: VerifyContext,
): Promise<void> {
  // The ledger speaks of files in their place.
  if (here?.path !== finalPathOf(layout, file)) return;
  try {
    const receipt = await ledger.readReceipt(file.name);
    if (receipt === undefined || stateOf(file, receipt, here.stats) !== 'checked') return;
    await ledger.writeReceipt({ ...receipt, foundBadAt: clock.date().toISOString() });
  } catch {
    // What was found is told all the same.
  }
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
  { ledger, clock }: Pick<VerifyContext, 'ledger' | 'clock'>,
): Promise<boolean> {
  try {
    if (known === undefined) return false;
    const { foundBadAt, ...record } = known;
    if ((how === 'bad') === (foundBadAt !== undefined)) return true;
    const now = await ledger.readMembers(known.archive);
    // A fetch at work may have extracted them anew.
    if (now?.extractedAt !== known.extractedAt || now.md5 !== known.md5) return false;
    const mark = how === 'bad' ? { foundBadAt: clock.date().toISOString() } : {};
    await ledger.writeMembers({ ...record, ...mark });
    return true;
  } catch {
    return false;
  }
}

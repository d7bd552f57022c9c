import { finalPathOf } from '../disk/layout.ts';
import { stateOf } from '../steps/survey.ts';
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

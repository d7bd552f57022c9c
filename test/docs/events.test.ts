import { expect, it } from 'vitest';
import type { FileDid } from '../../src/events.ts';
import type { ExtractDid } from '../../src/extract/types.ts';
import type { FetchDid } from '../../src/fetch/fetch-types.ts';

it('has what all commands do for the event file-done, and no others', () => {
  type Each = FetchDid | Exclude<ExtractDid, 'planned'> | 'adopted' | 'described';
  type Same = [FileDid, Each] extends [Each, FileDid] ? true : never;
  const same: Same = true;
  expect(same).toBe(true);
});

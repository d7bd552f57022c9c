import { describe, expect, it } from 'vitest';
import { summarizeFailures } from '../../src/download/failures.ts';
import { CcxriError } from '../../src/errors.ts';
import { CHECK_NETWORK } from '../../src/http/errors.ts';
import { manifestOf, sampleArchive } from '../support/fetching.ts';

const file = manifestOf(sampleArchive('ChestDx-1.zip')).files[0]!;
const unknown = new CcxriError('network', 'not known', { next: [CHECK_NETWORK] });
const refused = new CcxriError('network', 'refused');
const busy = new CcxriError('http-status', 'busy', { status: 503 });

const nextOf = (...failures: readonly CcxriError[]) => summarizeFailures(failures, file, 0).next;

describe('the advice about a file that no source gives', () => {
  it('begins with the network where no source has answered, and is else the usual one', () => {
    const later = nextOf(refused);
    expect(later).toMatchObject([{ kind: 'again', purpose: 'later' }]);
    expect(nextOf(unknown, unknown)).toEqual([CHECK_NETWORK, ...later]);
  });

  it('is not about the network where another source has answered', () => {
    expect(nextOf(unknown, busy)).toEqual(nextOf(refused));
    expect(nextOf(busy, unknown)).toEqual(nextOf(refused));
  });
});

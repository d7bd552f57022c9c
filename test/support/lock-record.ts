import { spawnSync } from 'node:child_process';
import { ownIdentity } from '../../src/fs/process-identity.ts';

/** A lock's record of this process, or of another one. */
export async function lockRecordOf(holder: { readonly pid?: number; readonly host?: string }) {
  return JSON.stringify({
    lockVersion: 1,
    holder: { ...(await ownIdentity()), ...holder },
    token: 'x',
    since: '2026-01-05T10:11:12.000Z',
  });
}

/** Of a process that has ended. */
export const deadPid = () => spawnSync('true').pid;

import { describe, expect, it } from 'vitest';
import { jobOf, shardOf } from '../../src/cli/array-task.ts';
import { CcxriError } from '../../src/errors.ts';
import { settingsOf, usageErrorOf } from '../support/settings.ts';

const AUTO = { index: 'auto', count: undefined } as const;
const auto = (count: number) => ({ index: 'auto', count }) as const;

const slurm = (id: number, first: number, last: number, count: number, step?: number) => ({
  SLURM_ARRAY_TASK_ID: `${id}`,
  SLURM_ARRAY_TASK_MIN: `${first}`,
  SLURM_ARRAY_TASK_MAX: `${last}`,
  SLURM_ARRAY_TASK_COUNT: `${count}`,
  ...(step === undefined ? {} : { SLURM_ARRAY_TASK_STEP: `${step}` }),
});
const sge = (id: string, first: string, last: string, step?: string) => ({
  SGE_TASK_ID: id,
  SGE_TASK_FIRST: first,
  SGE_TASK_LAST: last,
  ...(step === undefined ? {} : { SGE_TASK_STEPSIZE: step }),
});

function errorOf(typed: Parameters<typeof shardOf>[0], env: Record<string, string>): CcxriError {
  try {
    shardOf(typed, env);
  } catch (error) {
    if (error instanceof CcxriError) return error;
    throw error;
  }
  throw new Error('no error');
}

describe('the shard of an array task', () => {
  it.each([
    ['Slurm, from 0', slurm(0, 0, 7, 8), '1/8'],
    ['Slurm, from 0, the last', slurm(7, 0, 7, 8), '8/8'],
    ['Slurm, from 1', slurm(3, 1, 8, 8), '3/8'],
    ['Slurm, in steps', slurm(9, 1, 13, 4, 4), '3/4'],
    ['Slurm, one task', slurm(5, 5, 5, 1), '1/1'],
    ['SGE', sge('3', '1', '8', '1'), '3/8'],
    ['SGE without its step', sge('3', '1', '8'), '3/8'],
    // -t 2-10:3 has the tasks 2, 5 and 8; SGE_TASK_LAST is the bound that was given.
    ['SGE, in steps', sge('8', '2', '10', '3'), '3/3'],
    ['SGE beside Slurm that is no array', { ...sge('1', '1', '2'), SLURM_JOB_ID: '9' }, '1/2'],
    ['Kubernetes', { JOB_COMPLETION_INDEX: '0', JOB_COMPLETION_COUNT: '8' }, '1/8'],
    ['Kubernetes, the last', { JOB_COMPLETION_INDEX: '7', JOB_COMPLETION_COUNT: '8' }, '8/8'],
  ])('%s', (_, env, expected) => {
    const shard = shardOf(AUTO, env);
    expect(`${shard?.index ?? ''}/${shard?.count ?? ''}`).toBe(expected);
  });

  it.each([
    ['OpenPBS', { PBS_ARRAY_INDEX: '8' }, 8],
    ['Torque', { PBS_ARRAYID: '1' }, 1],
    ['Kubernetes', { JOB_COMPLETION_INDEX: '7' }, 8],
    ['Slurm, where it has the same number', slurm(3, 1, 8, 8), 3],
  ])('%s, with the number of tasks behind auto', (_, env, index) => {
    expect(shardOf(auto(8), env)).toEqual({ index, count: 8 });
  });

  it('is never taken from the environment without being asked for', () => {
    const env = slurm(3, 1, 8, 8);
    expect(shardOf(undefined, env)).toBeUndefined();
    expect(shardOf({ index: 2, count: 5 }, env)).toEqual({ index: 2, count: 5 });
  });
});

describe('an array that does not say which shard it is', () => {
  it('no array: names what was looked for', () => {
    const error = errorOf(AUTO, { SGE_TASK_ID: 'undefined', SLURM_JOB_ID: '7' });
    expect(error).toMatchObject({
      code: 'usage',
      facts: {
        expected:
          'one of SLURM_ARRAY_TASK_ID, JOB_COMPLETION_INDEX, PBS_ARRAY_INDEX, PBS_ARRAYID, SGE_TASK_ID',
      },
    });
  });

  it.each([
    ['two schedulers', AUTO, { ...slurm(1, 1, 2, 2), JOB_COMPLETION_INDEX: '0' }, 'are both set'],
    ['tasks left out', AUTO, slurm(3, 1, 7, 3), 'none of 3 tasks without a gap'],
    ['the first of such', AUTO, slurm(1, 1, 7, 3), 'none of 3 tasks without a gap'],
    ['a part of the array once more', auto(8), slurm(3, 3, 5, 2), 'the array has 2 tasks, and 8'],
    ['PBS without a number', AUTO, { PBS_ARRAY_INDEX: '3' }, 'how many tasks there are'],
    ['Kubernetes likewise', AUTO, { JOB_COMPLETION_INDEX: '3' }, 'JOB_COMPLETION_COUNT is not set'],
    ['PBS from 0', auto(8), { PBS_ARRAY_INDEX: '0' }, 'PBS_ARRAY_INDEX is 0'],
    ['PBS beyond', auto(8), { PBS_ARRAYID: '9' }, 'PBS_ARRAYID is 9'],
    ['Kubernetes beyond', auto(3), { JOB_COMPLETION_INDEX: '3' }, 'JOB_COMPLETION_INDEX is 3'],
    ['no number', AUTO, { SLURM_ARRAY_TASK_ID: 'x' }, 'SLURM_ARRAY_TASK_ID is no number'],
    ['an old Slurm', AUTO, { SLURM_ARRAY_TASK_ID: '3' }, 'how many tasks there are'],
  ])('%s', (_, typed, env, said) => {
    const error = errorOf(typed, env);
    expect(error.code).toBe('usage');
    expect(error.message).toContain(said);
    expect(error.next[0]).toMatchObject({ kind: 'advice' });
  });
});

describe('what is typed', () => {
  it.each([
    ['1/1', { index: 1, count: 1 }],
    ['8/8', { index: 8, count: 8 }],
    ['AUTO', { index: 'auto', count: undefined }],
    ['auto/8', { index: 'auto', count: 8 }],
  ])('%s', (typed, expected) => {
    expect(settingsOf(['fetch', '--shard', typed]).shard).toEqual(expected);
  });

  it.each(['0/3', '4/3', '3/0', '0/0', 'auto/0', '3', '3 of 8', '-1/8', '1.5/8', '1/1000000', ''])(
    'is refused: "%s"',
    (typed) => {
      expect(usageErrorOf(() => settingsOf(['fetch', `--shard=${typed}`])).message).toContain(
        '--shard takes I/N with I from 1 to N',
      );
    },
  );

  it('is refused together with a choice of single images', () => {
    expect(
      usageErrorOf(() => settingsOf(['fetch', '--shard', '1/2', '--label', 'Hernia'])).message,
    ).toContain('contradict each other');
  });
});

describe('the job of a run', () => {
  it('is that of Slurm, with how often it was started', () => {
    const task = { SLURM_JOB_ID: '12', SLURM_ARRAY_JOB_ID: '9', SLURM_ARRAY_TASK_ID: '3' };
    expect(jobOf(task)).toEqual({ id: 'slurm  9_3', attempt: 0 });
    expect(jobOf({ ...task, SLURM_CLUSTER_NAME: 'lab', SLURM_RESTART_COUNT: '2' })).toEqual({
      id: 'slurm lab 9_3',
      attempt: 2,
    });
    expect(jobOf({ SLURM_JOB_ID: '12' })).toEqual({ id: 'slurm  12', attempt: 0 });
    expect(jobOf({ JOB_COMPLETION_INDEX: '3' })).toBeUndefined();
  });
});

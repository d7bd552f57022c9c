import { CcxriError } from '../errors.ts';
import type { JobAttempt } from '../fs/lock-file.ts';
import type { Shard } from '../manifest/shard.ts';
import { toPrintable } from '../text.ts';
import type { ShardChoice } from './options-cluster.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A task of an array, as its scheduler's variables have it. */
interface ArrayTask {
  /** From 1. */
  readonly index: number;
  /** undefined: the scheduler does not say. */
  readonly count: number | undefined;
}

interface Scheduler {
  /** The variable with the task's number. */
  readonly variable: string;
  /** The others that are looked at, for messages. */
  readonly others: readonly string[];
  readonly read: (number: number, env: Environment) => ArrayTask;
}

/** Each sets its variable in every task of an array, and in nothing else. */
const SCHEDULERS: readonly Scheduler[] = [
  {
    variable: 'SLURM_ARRAY_TASK_ID',
    others: ['SLURM_ARRAY_TASK_COUNT'],
    read: (id, env) => {
      const count = numberIn('SLURM_ARRAY_TASK_COUNT', env);
      const first = numberIn('SLURM_ARRAY_TASK_MIN', env);
      const last = numberIn('SLURM_ARRAY_TASK_MAX', env);
      if (count === undefined || first === undefined) return fromOne(id, count);
      return inArray(id, { first, last, step: numberIn('SLURM_ARRAY_TASK_STEP', env), count });
    },
  },
  {
    variable: 'JOB_COMPLETION_INDEX',
    others: ['JOB_COMPLETION_COUNT'],
    // Kubernetes counts from 0, and does not say how many there are: the variable is a user's.
    read: (id, env) => ({ index: id + 1, count: numberIn('JOB_COMPLETION_COUNT', env) }),
  },
  // Neither OpenPBS nor Torque says how many there are.
  { variable: 'PBS_ARRAY_INDEX', others: [], read: (id) => fromOne(id, undefined) },
  { variable: 'PBS_ARRAYID', others: [], read: (id) => fromOne(id, undefined) },
  {
    variable: 'SGE_TASK_ID',
    others: ['SGE_TASK_FIRST', 'SGE_TASK_LAST'],
    read: (id, env) => {
      const first = numberIn('SGE_TASK_FIRST', env);
      const last = numberIn('SGE_TASK_LAST', env);
      if (first === undefined || last === undefined) return fromOne(id, undefined);
      const step = numberIn('SGE_TASK_STEPSIZE', env) ?? 1;
      const count = Math.floor((last - first) / Math.max(1, step)) + 1;
      return inArray(id, { first, last: undefined, step, count });
    },
  },
];

/**
 * The shard that was asked for. The environment is looked at only for `auto`: a plain run in an array is
 * no part of anything.
 * @throws CcxriError `usage`: `auto`, and no variable or more than one says which task this is, or the
 *   tasks do not share the work without a gap
 */
export function shardOf(choice: ShardChoice | undefined, env: Environment): Shard | undefined {
  if (choice === undefined) return undefined;
  const { index, count } = choice;
  if (index !== 'auto') return { index, count };
  const found = SCHEDULERS.filter(({ variable }) => isSet(env[variable]));
  const [scheduler, other] = found;
  if (scheduler === undefined) throw noTask();
  if (other !== undefined) throw twoTasks(scheduler, other);
  const { variable } = scheduler;
  const number = numberIn(variable, env);
  if (number === undefined) throw notShared(`${variable} is no number`);
  const task = scheduler.read(number, env);
  const all = task.count ?? count;
  if (all === undefined) throw noCount(scheduler);
  if (count !== undefined && count !== all) {
    throw notShared(`the array has ${all} tasks, and ${count} shards were asked for`, variable);
  }
  if (!Number.isInteger(task.index) || task.index < 1 || task.index > all) {
    throw notShared(
      `${variable} is ${number}, which is none of ${all} tasks without a gap`,
      variable,
    );
  }
  return { index: task.index, count: all };
}

/**
 * This run as Slurm knows it, which starts a task again only when its run before has ended. The others do
 * not say how often they have started one.
 */
export function jobOf(env: Environment): JobAttempt | undefined {
  const job = env['SLURM_JOB_ID'];
  if (!isSet(job)) return undefined;
  const task = env['SLURM_ARRAY_TASK_ID'];
  const own = isSet(task) ? `${env['SLURM_ARRAY_JOB_ID'] ?? job}_${task}` : job;
  const id = toPrintable(`slurm ${env['SLURM_CLUSTER_NAME'] ?? ''} ${own}`, 300);
  return { id, attempt: numberIn('SLURM_RESTART_COUNT', env) ?? 0 };
}

/** Task ids that count from 1, where nothing says with which one they begin. */
function fromOne(id: number, count: number | undefined): ArrayTask {
  return { index: id, count };
}

interface ArrayOfTasks {
  readonly first: number;
  readonly last: number | undefined;
  readonly step: number | undefined;
  readonly count: number;
}

/** Every task finds a gap, so that none takes a part for the whole. */
function inArray(id: number, { first, last, step = 1, count }: ArrayOfTasks): ArrayTask {
  const isWhole = last === undefined || last === first + (count - 1) * step;
  return { index: isWhole ? (id - first) / step + 1 : NaN, count };
}

/** SGE says `undefined` outside an array. */
function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '' && value !== 'undefined';
}

function numberIn(variable: string, env: Environment): number | undefined {
  const value = env[variable] ?? '';
  return /^[0-9]{1,9}$/.test(value) ? Number(value) : undefined;
}

function noTask(): CcxriError {
  const names = SCHEDULERS.map(({ variable }) => variable).join(', ');
  return new CcxriError('usage', '--shard auto: this is no task of an array', {
    expected: `one of ${names}`,
    found: 'none of them',
    next: [{ kind: 'advice', text: 'say which one it is, such as --shard 3/8' }],
  });
}

function twoTasks(one: Scheduler, other: Scheduler): CcxriError {
  const names = `${one.variable} and ${other.variable}`;
  return new CcxriError('usage', `--shard auto: ${names} are both set`, {
    next: [{ kind: 'advice', text: `say which one counts, as --shard "$${one.variable}/8"` }],
  });
}

function noCount({ variable, others }: Scheduler): CcxriError {
  const unset = others.length === 0 ? '' : `, and ${others.join(', ')} is not set`;
  return new CcxriError(
    'usage',
    `--shard auto: ${variable} does not say how many tasks there are${unset}`,
    {
      next: [{ kind: 'advice', text: 'say it, as --shard auto/8 for 8 tasks' }],
    },
  );
}

function notShared(why: string, variable?: string): CcxriError {
  const example = variable === undefined ? '3/8' : `"$${variable}/8"`;
  return new CcxriError('usage', `--shard auto: ${why}`, {
    next: [
      {
        kind: 'advice',
        text: `say which shard of how many this is, as --shard ${example} where the ids count from 1 to 8`,
      },
    ],
  });
}

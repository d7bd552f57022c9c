import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach } from 'vitest';
import { freePort } from './daemon.ts';

const run = promisify(execFile);

/** A Slurm of one node with 8 processors, on loopback. */
export interface Slurm {
  /** Runs a line of bash in a directory, with Slurm's commands on the PATH. */
  bash(line: string, cwd: string, env?: Readonly<Record<string, string>>): Promise<string>;
  /** The state of each task of an array, by its number: `RUNNING`, `COMPLETED`. */
  tasks(job: string): Promise<ReadonlyMap<number, string>>;
}

/** Real slurmctld, slurmd and munged (Debian: slurm-wlm, munge), with all their files in a directory of their own. */
export function useSlurm(): () => Promise<Slurm> {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });
  return async () => {
    const home = await mkdtemp(join(tmpdir(), 'ccxri-slurm-'));
    const env = {
      PATH: `${process.env['PATH'] ?? ''}:/usr/sbin`,
      SLURM_CONF: join(home, 'slurm.conf'),
    };
    const daemons: ChildProcess[] = [];
    ends.push(async () => {
      await run('scancel', ['--user=root'], { env }).catch(() => undefined);
      for (const daemon of daemons.reverse()) await endDaemon(daemon);
      await rm(home, { recursive: true, force: true });
    });
    await configure(home, await freePort(), await freePort());
    const start = (command: string, args: readonly string[]) => {
      daemons.push(spawn(command, args, { env, stdio: 'ignore' }));
    };
    start('munged', ['--foreground', '--force', ...mungeFiles(home)]);
    await until('munged', () =>
      run('munge', ['-n', `--socket=${join(home, 'munge.sock')}`], { env }),
    );
    start('slurmctld', ['-D']);
    start('slurmd', ['-D', '-N', 'node1']);
    await until('slurmd', async () => {
      const { stdout } = await run('sinfo', ['-h', '-o', '%t'], { env });
      if (stdout.trim() !== 'idle') throw new Error(`the node is ${stdout}${await logsOf(home)}`);
    });
    return {
      bash: async (line, cwd, more = {}) => {
        const { PATH } = env;
        const options = { cwd, env: { ...env, ...more, PATH: `${more['PATH'] ?? ''}:${PATH}` } };
        return (await run('bash', ['--norc', '-c', line], options)).stdout.trim();
      },
      tasks: async (job) => {
        const { stdout } = await run('scontrol', ['show', 'job', '-o', job], { env });
        const found = stdout.matchAll(/ArrayTaskId=(\d+) .*?JobState=(\w+)/g);
        return new Map([...found].map(([, id, state = '']) => [Number(id), state]));
      },
    };
  };
}

function mungeFiles(home: string): readonly string[] {
  const files = { 'key-file': 'munge.key', socket: 'munge.sock', 'pid-file': 'munge.pid' };
  const all = { ...files, 'log-file': 'munge.log', 'seed-file': 'munge.seed' };
  return Object.entries(all).map(([option, name]) => `--${option}=${join(home, name)}`);
}

async function configure(home: string, controlPort: number, nodePort: number): Promise<void> {
  // Its directory must be everybody's to enter, and the key nobody's to read.
  await chmod(home, 0o755);
  await writeFile(join(home, 'munge.key'), randomBytes(1024), { mode: 0o400 });
  for (const folder of ['state', 'spool']) await mkdir(join(home, folder));
  const settings = {
    ClusterName: 'test',
    SlurmctldHost: 'localhost(127.0.0.1)',
    SlurmctldPort: controlPort,
    SlurmdPort: nodePort,
    CommunicationParameters: 'NoInAddrAny,NoCtldInAddrAny',
    SlurmUser: 'root',
    SlurmdUser: 'root',
    AuthType: 'auth/munge',
    AuthInfo: `socket=${join(home, 'munge.sock')}`,
    StateSaveLocation: join(home, 'state'),
    SlurmdSpoolDir: join(home, 'spool'),
    SlurmctldPidFile: join(home, 'slurmctld.pid'),
    SlurmdPidFile: join(home, 'slurmd.pid'),
    SlurmctldLogFile: join(home, 'slurmctld.log'),
    SlurmdLogFile: join(home, 'slurmd.log'),
    ProctrackType: 'proctrack/linuxproc',
    TaskPlugin: 'task/none',
    SwitchType: 'switch/none',
    MpiDefault: 'none',
    SelectType: 'select/cons_tres',
    SelectTypeParameters: 'CR_CPU',
    SchedulerParameters: 'batch_sched_delay=0,sched_interval=1,bf_interval=1',
    JobRequeue: 1,
    ReturnToService: 2,
    KillWait: 2,
    SlurmdParameters: 'config_overrides',
    AccountingStorageType: 'accounting_storage/none',
    JobAcctGatherType: 'jobacct_gather/none',
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  const node = `NodeName=node1 NodeHostname=localhost NodeAddr=127.0.0.1 Port=${nodePort} CPUs=8 RealMemory=32000`;
  const partition = 'PartitionName=main Nodes=node1 Default=YES State=UP';
  await writeFile(join(home, 'slurm.conf'), [...lines, node, partition, ''].join('\n'));
}

/** Tries until it does not fail; what it failed with last is the error after half a minute. */
export async function until(what: string, attempt: () => Promise<unknown>): Promise<void> {
  let last: unknown;
  for (let tries = 0; tries < 300; tries += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      last = error;
      await sleep(100);
    }
  }
  throw new Error(`${what}: not yet after half a minute (Debian: slurm-wlm, munge)`, {
    cause: last,
  });
}

async function logsOf(home: string): Promise<string> {
  const names = ['slurmctld.log', 'slurmd.log'];
  const logs = names.map((name) => readFile(join(home, name), 'utf8').catch(() => ''));
  return (await Promise.all(logs)).join('').slice(-2000);
}

async function endDaemon(daemon: ChildProcess): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const ended = new Promise((resolve) => daemon.once('close', resolve));
  daemon.kill('SIGTERM');
  const hard = setTimeout(() => daemon.kill('SIGKILL'), 5000);
  await ended;
  clearTimeout(hard);
}

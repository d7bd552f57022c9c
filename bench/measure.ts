import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';

/** What one run of a command line took. */
export interface Measured {
  readonly wallS: number;
  /** User and system time of the command and all that it waited for. */
  readonly cpuS: number;
  /** The largest sum of VmHWM over the command's processes that were alive together. */
  readonly peakBytes: number;
}

/**
 * VmHWM is a high-water mark: a sample can miss only what happens in a process's last moments. Not
 * oftener: looking through /proc is work that takes from both sides.
 */
const SAMPLE_EVERY_MS = 250;
/** What is over before has no other sample. */
const FIRST_SAMPLES_MS = [20, 50, 80, 120, 170];

/**
 * Runs a bash command line to its end, cold, and measures it. Times are bash's own, memory is
 * /proc's.
 * @throws Error with the command's last words when it fails: a bench of a failure is worth nothing
 */
export async function measure(command: string, cwd: string): Promise<Measured> {
  const script = `TIMEFORMAT='@@ %R %U %S'; time { ${command}\n}`;
  const child = spawn('bash', ['-o', 'pipefail', '-ec', script], {
    cwd,
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000);
  });
  let peakBytes = 0;
  let sampling = false;
  const sample = () => {
    if (sampling || child.pid === undefined) return;
    sampling = true;
    void groupBytes(child.pid)
      .then((bytes) => {
        peakBytes = Math.max(peakBytes, bytes);
      })
      .finally(() => {
        sampling = false;
      });
  };
  const timers = FIRST_SAMPLES_MS.map((ms) => setTimeout(sample, ms));
  const timer = setInterval(sample, SAMPLE_EVERY_MS);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  clearInterval(timer);
  for (const first of timers) clearTimeout(first);
  const times = /@@ ([\d.]+) ([\d.]+) ([\d.]+)/.exec(said);
  if (code !== 0 || times === null) {
    throw new Error(`exit ${String(code)} of: ${command}\n${said.trim()}`);
  }
  return { wallS: Number(times[1]), cpuS: Number(times[2]) + Number(times[3]), peakBytes };
}

/** The bench's own bash is left out. */
async function groupBytes(leader: number): Promise<number> {
  let bytes = 0;
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
    const group = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2];
    if (group !== String(leader) || pid === String(leader)) continue;
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    bytes += Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }
  return bytes;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? upper)) / 2;
}

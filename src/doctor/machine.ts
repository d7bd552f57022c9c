import { readFile } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { count, formatBytes, formatCount } from '../text.ts';
import { hashThreads, unpackThreads } from '../threads/budget.ts';
import { type Examination, type CheckResult, type Subject, ok, warning } from './examination.ts';

const SUBJECT: Subject = { part: 'machine' };
/** As package.json's `engines` has it. */
const OLDEST_NODE = [20, 19] as const;
/** A fetch has up to 100 open at once: connections, parts, archives, images, threads. */
const ENOUGH_FILES = 256;
/** All threads, a fetch's buffers and Node itself. */
const ENOUGH_MEMORY_BYTES = 300e6;

/** @param nodeVersion `20.19.1`; undefined: it is not looked at */
export async function examineMachine(
  examination: Examination,
  nodeVersion: string | undefined,
): Promise<void> {
  if (nodeVersion !== undefined) examination.add(SUBJECT, 'node', judgeNode(nodeVersion));
  const limits = await readFile('/proc/self/limits', 'utf8').catch(() => '');
  const openFiles = judgeOpenFiles(limits);
  if (openFiles !== undefined) examination.add(SUBJECT, 'open-files', openFiles);
  const memory = { freeBytes: freemem(), totalBytes: totalmem() };
  examination.add(SUBJECT, 'memory', judgeMemory(memory, availableParallelism()));
}

export function judgeNode(version: string): CheckResult {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  const oldest = OLDEST_NODE.join('.');
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) {
    return ok(`Node ${version} (${oldest} or newer is needed)`);
  }
  const text = `install Node ${oldest} or newer`;
  const seen = `Node ${version} is too old: ${oldest} or newer is needed`;
  return { status: 'problem', seen, code: 'usage', next: [{ kind: 'advice', text }] };
}

/** @param limits /proc/self/limits; undefined: the system has none */
export function judgeOpenFiles(limits: string): CheckResult | undefined {
  const found = /^Max open files +(\d+|unlimited) /m.exec(limits)?.[1];
  if (found === undefined) return undefined;
  const most = found === 'unlimited' ? Infinity : Number(found);
  if (most >= ENOUGH_FILES)
    return ok(`${found === 'unlimited' ? 'any number' : formatCount(most)} at once`);
  const text = `allow more with \`ulimit -n ${4 * ENOUGH_FILES}\`, in the shell that starts ccxri`;
  return warning(`only ${formatCount(most)} at once: fewer files are worked on at the same time`, [
    { kind: 'advice', text },
  ]);
}

export function judgeMemory(
  { freeBytes, totalBytes }: { readonly freeBytes: number; readonly totalBytes: number },
  processors: number,
): CheckResult {
  const threads = `${hashThreads(processors)} threads to hash and ${unpackThreads(processors)} to unpack`;
  const free = `${formatBytes(freeBytes)} of ${formatBytes(totalBytes)} free`;
  const seen = `${free}; ${count(processors, 'processor')}, ${threads}`;
  if (freeBytes >= ENOUGH_MEMORY_BYTES) return ok(seen);
  return warning(seen, [{ kind: 'advice', text: 'end other programs that take memory' }]);
}

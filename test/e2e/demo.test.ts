import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CaughtFault, RunEvent } from '../../src/events.ts';
import { parseCsv } from '../support/csv.ts';
import { PROGRAM, type ProgramEnd, useProgram } from '../support/program.ts';
import { documentOf, eventsOf } from '../support/run-cli.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { ccxri, bash, startCcxri } = useProgram();

/** Where a demo was run, for the tests that only look at what it has left and said. */
let directory: string;
let demo: ProgramEnd;
/** Another one, which has printed its events. */
let streamed: ProgramEnd;
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
let stops: readonly Stop[];
beforeAll(async () => {
  const parent = await mkdtemp(join(tmpdir(), 'ccxri-demo-'));
  directory = join(parent, 'home');
  await mkdir(directory);
  // Most of a demo is waiting: all of them run at once.
  [demo, streamed, stops] = await Promise.all([
    bash(`cd '${directory}' && $ccxri demo`),
    ccxri(['demo', '--dest', join(parent, 'demo set'), '--ndjson']),
    Promise.all(SIGNALS.map((signal) => stopOn(signal, join(parent, signal)))),
  ]);
  return () => rm(parent, { recursive: true, force: true });
});

describe('ccxri demo', () => {
  it('says what it is, catches three failures in a line each, and leaves a dataset', async () => {
    const { code, stdout, stderr } = demo;
    expect(code, stderr).toBe(0);
    expect(stderr).toMatch(/^A whole fetch in about \d+ s: no network, no real data/);
    expect(stderr).toMatch(/^\[9\/9\] .+: downloaded, verified$/m);
    expect(stderr.match(/^caught: .+$/gm)?.toSorted()).toEqual([
      expect.stringMatching(/^caught: connection cut: .+ resumed at byte [\d,]+ of [\d,]+$/),
      expect.stringMatching(/: .+ MD5 [0-9a-f]{5}…, not [0-9a-f]{5}…; downloaded again$/),
      expect.stringMatching(
        /^caught: killed \(SIGKILL\): \d files kept, .+ resumed at byte [\d,]+$/,
      ),
    ]);
    expect(stderr).not.toMatch(/attempt|warning/);
    const rows = parseCsv(await readFile(join(directory, 'ccxri-demo', 'index.csv'), 'utf8'));
    expect(stdout).toMatch(/^done: 9 files, 86 images with labels in .+; 3 failures caught$/m);
    expect(rows).toHaveLength(86);
  });

  it('kills a process of its own, and that is no stop', () => {
    const { code, stdout } = streamed;
    expect(code).toBe(0);
    const events = eventsOf(stdout) as readonly (RunEvent | { readonly event: 'summary' })[];
    const plans = events.flatMap((event, at) => (event.event === 'plan' ? [at] : []));
    expect(plans).toHaveLength(2);
    // Who is stopped says so, and gives the lock back.
    const killed = events.slice(0, plans[1]);
    expect(killed.filter((e) => e.event === 'file-done' && e.did === 'stopped')).toEqual([]);
    expect(events).toContainEqual(expect.objectContaining({ code: 'stale-lock' }));
    const summary = documentOf(stdout.trimEnd().split('\n').at(-1) ?? '');
    expect(summary).toMatchObject({ event: 'summary', command: 'demo', exitCode: 0 });
    const { caught } = summary.result as { caught: readonly CaughtFault[] };
    expect(caught.map(({ fault }) => fault).toSorted()).toEqual(['cut', 'flip', 'kill']);
    const kept = killed.filter((e) => e.event === 'file-done' && e.did === 'downloaded').length;
    const kill = caught.find(({ fault }) => fault === 'kill');
    expect(kill?.filesKept).toBeGreaterThanOrEqual(kept);
  });

  it('prints commands that work from where the user stands', async () => {
    const commands = demo.stdout.match(/^ {2}ccxri .+$/gm) ?? [];
    expect(commands).toHaveLength(3);
    const function_ = `ccxri() { ${process.execPath} ${PROGRAM} "$@"; }`;
    const said: string[] = [];
    for (const command of commands) {
      const { code, stdout, stderr } = await bash(`cd '${directory}'; ${function_}; ${command}`);
      expect(code, `${command}: ${stderr}`).toBe(0);
      said.push(stdout);
    }
    expect(said[0]).toMatch(/^all +9 +9 /m);
    expect(said[1]).toMatch(/^verified: .+ 9$/m);
    expect(said[2]).toContain('Viral-1.zip');
    expect(await readdir(directory)).toEqual(['ccxri-demo']);
  });

  it('names a program that is there, where `npm run demo` runs it in a clone', async () => {
    const dest = join(directory, 'ccxri-demo');
    const { stdout } = await ccxri(['demo', '--dest', dest], { npm_lifecycle_event: 'demo' });
    expect(stdout).toContain('  npx ccxri status ');
  });

  it('gives one document with --json, and nothing with -q', async () => {
    const dest = join(directory, 'ccxri-demo');
    const json = await ccxri(['demo', '--dest', dest, '--json']);
    expect(documentOf(json.stdout)).toMatchObject(documentAbout(dest));
    const again = await ccxri(['demo', '--dest', dest, '-q']);
    expect(again).toEqual({ code: 0, signal: null, stdout: '', stderr: '' });
  });

  it.each(SIGNALS)('ends with all that it started on %s', (signal) => {
    const stop = stops.find((each) => each.signal === signal);
    const code = signal === 'SIGINT' ? 130 : 143;
    expect(stop).toMatchObject({ children: 1, code, childrenLeft: 0, isPageUp: false });
    const last = eventsOf(stop?.stdout ?? '').at(-1);
    expect(last).toMatchObject({ event: 'summary', exitCode: code });
    expect(documentOf(stop?.again ?? '')).toMatchObject(documentAbout(stop?.dest ?? ''));
  });

  it('with -n makes nothing', async () => {
    const empty = await tempDir();
    const { code, stdout } = await ccxri(['demo', '--dest', join(empty, 'set'), '-n']);
    expect(code).toBe(0);
    expect(stdout).toContain('nothing was written');
    expect(await listTree(empty)).toEqual([]);
  });
});

/** A demo that a signal has stopped, and another one in the same directory. */
interface Stop {
  readonly signal: NodeJS.Signals;
  readonly dest: string;
  /** How many processes it had started when the signal came. */
  readonly children: number;
  readonly childrenLeft: number;
  readonly isPageUp: boolean;
  readonly code: number | null;
  readonly stdout: string;
  /** The document of the other one. */
  readonly again: string;
}

async function stopOn(signal: (typeof SIGNALS)[number], dest: string): Promise<Stop> {
  const run = startCcxri(['demo', '--dest', dest, '--ndjson']);
  await run.hasSaid(/"event":"phase-start"/);
  const children = (await childrenOf(dest)).length;
  const [, page = ''] = /"page":"([^"]+)"/.exec(run.saidSoFar()) ?? [];
  run.kill(signal);
  const { code, stdout } = await run.ended;
  const childrenLeft = (await childrenOf(dest)).length;
  const isPageUp = await fetch(page).then(
    () => true,
    () => false,
  );
  const { stdout: again } = await ccxri(['demo', '--dest', dest, '--json']);
  return { signal, dest, children, childrenLeft, isPageUp, code, stdout, again };
}

/** What the document says once all is there. */
function documentAbout(dest: string) {
  return {
    exitCode: 0,
    counts: { files: 9, rows: 86 },
    result: { contactSheet: join(dest, 'contact-sheet.html') },
  };
}

/** The pids of processes that run `fetch` into this directory. */
async function childrenOf(dest: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = pids.map(async (pid) => {
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    const args = line.split('\0');
    return args.includes('fetch') && args.includes(dest) ? [pid] : [];
  });
  return (await Promise.all(lines)).flat();
}

import { createServer, type Server } from 'node:http';
import { chmod, mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { rootPath } from '../../scripts/generated-docs.ts';
import { filesOfShard } from '../../src/manifest/shard.ts';
import { CHEST_HEADER, chestRow, lines } from '../support/csv.ts';
import { type Sample, manifestOf, sampleArchive, sampleLabels } from '../support/fetching.ts';
import { PROGRAM, useProgram } from '../support/program.ts';
import { until, useSlurm } from '../support/slurm.ts';
import { listTree, useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const { ccxri } = useProgram();
const startSlurm = useSlurm();

const archives = Array.from({ length: 20 }, (_, n) =>
  sampleArchive(`ChestDx-${n + 1}.zip`, { bytes: 900_000 + 40_000 * (n % 6) }),
);
const rows = archives.map(({ name }) => chestRow('patient1000_000.jpg', name, 'Mass'));
const all = [...archives, sampleLabels('chest_dx.csv', lines(CHEST_HEADER, ...rows))];
const manifest = manifestOf(...all);

/** The script and the lines that docs/cluster.md has for Slurm. */
async function fromDocs(): Promise<{ readonly script: string; readonly submit: string }> {
  const page = await readFile(rootPath('docs/cluster.md'), 'utf8');
  const section = /^## Slurm\n(.*?)^## /ms.exec(page)?.[1] ?? '';
  const [script = '', submit = ''] = [...section.matchAll(/^```bash\n(.*?)^```/gms)].map(
    ([, code]) => code ?? '',
  );
  expect(script).toMatch(/^#!\/bin\/bash\n/);
  return { script, submit };
}

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** Serves the release, and of files in `held` nothing behind the middle until they are let go. */
async function serveHeld(held: Set<string>) {
  const sent = new Map<string, number>();
  const waiting = new Set<string>();
  const server = createServer((request, response) => {
    const name = basename(request.url ?? '/');
    const { bytes } = all.find((sample) => sample.name === name) ?? { bytes: Buffer.alloc(0) };
    const [, first, last] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const from = Number(first ?? 0);
    const to =
      last === undefined || last === '' ? bytes.length : Math.min(bytes.length, Number(last) + 1);
    const ranged = { 'content-range': `bytes ${from}-${to - 1}/${bytes.length}` };
    const head = { 'content-length': to - from, etag: `"${name}"`, 'accept-ranges': 'bytes' };
    response.writeHead(
      first === undefined ? 200 : 206,
      first === undefined ? head : { ...head, ...ranged },
    );
    const middle = Math.floor(bytes.length / 2);
    const isHeld = held.has(name) && to > middle;
    const piece = bytes.subarray(from, isHeld ? Math.max(from, middle) : to);
    sent.set(name, (sent.get(name) ?? 0) + piece.length);
    response.write(piece);
    if (isHeld) waiting.add(name);
    else response.end();
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { source: `http://127.0.0.1:${address.port}/{name}`, sent, waiting };
}

function largestOf(index: number): Sample {
  const own = filesOfShard(manifest.files, { index, count: 8 }).map(({ name }) => name);
  const samples = all.filter(({ name }) => own.includes(name));
  const [first] = samples.sort((a, b) => b.bytes.length - a.bytes.length);
  if (first === undefined) throw new Error(`shard ${index} is empty`);
  return first;
}

/** The process that holds the lock of a shard. */
async function holderOf(dest: string, index: number): Promise<number> {
  const state = join(dest, '.ccxri');
  const name = (await readdir(state)).find((each) => each.startsWith(`lock.shard-${index}-of-8.`));
  if (name === undefined) throw new Error(`no lock of shard ${index}`);
  const record = JSON.parse(await readFile(join(state, name), 'utf8')) as {
    readonly holder: { readonly pid: number };
  };
  return record.holder.pid;
}

async function contentOf(dest: string): Promise<Readonly<Record<string, string>>> {
  const seen: Record<string, string> = {};
  for (const path of await listTree(dest)) {
    if (path.startsWith('.ccxri') || !(await stat(join(dest, path))).isFile()) continue;
    seen[path] = await readFile(join(dest, path), 'latin1');
  }
  return seen;
}

it('the array of docs/cluster.md, of which two tasks are killed and requeued, makes the tree of one run', async () => {
  const root = await tempDir();
  const dest = join(root, 'set');
  const { script, submit } = await fromDocs();
  const bin = join(root, 'bin');
  await mkdir(bin);
  await writeFile(join(bin, 'ccxri'), `#!/bin/sh\nexec '${process.execPath}' '${PROGRAM}' "$@"\n`);
  await chmod(join(bin, 'ccxri'), 0o755);
  await writeFile(join(root, 'ccxri-array.sh'), script);
  await writeFile(join(root, 'manifest.json'), JSON.stringify(manifest));
  const [killed, requeued] = [largestOf(3), largestOf(6)];
  const held = new Set([killed.name, requeued.name]);
  const { source, sent, waiting } = await serveHeld(held);
  const env = { CCXRI_MANIFEST: join(root, 'manifest.json'), CCXRI_SOURCE: source };
  const slurm = await startSlurm();
  const inSlurm = (line: string) => slurm.bash(line, root, { ...env, CCXRI_DEST: dest, PATH: bin });
  const toSubmit = submit.split('\n').filter((line) => !line.startsWith('export '));
  const [submitArray = '', submitJoin = ''] = toSubmit;

  const job = await inSlurm(`${submitArray}; echo $job`);
  const others = [3, 6]
    .flatMap((index) => filesOfShard(manifest.files, { index, count: 8 }))
    .filter(({ name }) => !held.has(name));
  await until('two files in the middle, and the others done', async () => {
    expect(waiting.size).toBe(2);
    for (const { name } of others) await stat(join(dest, '.ccxri', 'ledger', `${name}.json`));
  });
  // As by a kernel that is out of memory, and as by an administrator who drains a node.
  process.kill(await holderOf(dest, 3), 'SIGKILL');
  await until('task 3 is over', async () => expect((await slurm.tasks(job)).get(3)).toBe('FAILED'));
  held.clear();
  for (const task of [3, 6]) {
    await inSlurm(`scontrol requeue ${job}_${task}`);
    await until('pending', async () => expect((await slurm.tasks(job)).get(task)).toBe('PENDING'));
    // Slurm would wait two minutes. slurmd takes the attempt where its credential is of a later second than the end
    // of the one before.
    await inSlurm(`scontrol update JobId=${job}_${task} StartTime=now+3`);
  }
  await inSlurm(`job=${job}; ${submitJoin}`);
  const log = async (task: number) => readFile(join(root, `ccxri-${task}.log`), 'utf8');
  await until('the tasks', async () => {
    const states = await slurm.tasks(job);
    expect([...states.values()].filter((state) => state !== 'COMPLETED')).toEqual([]);
  }).catch(async (error: unknown) => {
    throw new Error(`${await log(3)}\n${await log(6)}`, { cause: error });
  });
  await until('the join', async () => expect(await inSlurm('squeue -h')).toBe(''));
  expect(await log(3)).toContain('took over the lock of a run that has died');
  expect(await log(6)).toMatch(/done: .*\(shard 6\/8\)/);
  for (const { name, bytes } of all) {
    // Of the two what had come was kept, but for what was not on the disk yet.
    const most = [killed, requeued].some((each) => each.name === name) ? 1.5 : 1;
    expect(sent.get(name), name).toBeLessThanOrEqual(most * bytes.length);
  }
  const one = join(root, 'one');
  const single = await ccxri(['fetch', '--subset', 'all', '--dest', one], env);
  expect(single.code, single.stderr).toBe(0);
  expect(await contentOf(dest)).toEqual(await contentOf(one));
  expect((await readdir(join(dest, '.ccxri'))).filter((name) => name.startsWith('lock'))).toEqual(
    [],
  );
}, 120_000);

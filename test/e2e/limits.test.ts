import { spawnSync } from 'node:child_process';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { destIn, manifestOf, sampleArchive } from '../support/fetching.ts';
import { canInject } from '../support/inject.ts';
import { checkInvariants } from '../support/invariants.ts';
import { saying } from '../support/matchers.ts';
import { PROGRAM, useProgram } from '../support/program.ts';
import { honest, useRawServers } from '../support/raw-server.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const serve = useRawServers();
const program = useProgram();

// Large enough for threads, and with as many members as a thread has open at once.
const samples = [1, 2, 3].map((n) =>
  sampleArchive(`ChestDx-${n}.zip`, { bytes: 12_000_000, members: 60 }),
);
const manifest = manifestOf(...samples);

/** The built program fetches, in a shell that sets a limit first. @param as a command in front */
async function fetchWith(limit: string, as = '') {
  const root = await tempDir();
  await chmod(root, 0o777);
  const dest = destIn(root);
  await writeFile(join(root, 'manifest.json'), JSON.stringify(manifest));
  const server = await serve(async (request, reply) => {
    const file = samples.find(({ name }) => request.path.endsWith(name));
    await reply.send(honest(file?.bytes ?? Buffer.alloc(0), request));
  });
  const args = `fetch --subset all --manifest ${root}/manifest.json --dest ${dest}`;
  const line = `${limit}; exec $ccxri ${args} --source ${server.url}/{name}`;
  const end = await program.bash(`${as} bash -c '${line}'`);
  await checkInvariants({ dest, manifest });
  return end;
}

const isLinux = process.platform === 'linux';
if (!isLinux) console.warn('SKIPPED: how many files Node itself opens is known on Linux');

describe.skipIf(!isLinux)('#210 limits of the process', () => {
  it.each([40, 48, 64])('%d open files: fewer at once, and all is fetched', async (files) => {
    expect(await fetchWith(`ulimit -n ${files}`)).toMatchObject({ code: 0 });
  });

  it.each([20, 24, 28, 32])('%d open files: reported as such, code 6 at worst', async (files) => {
    const { code, stderr } = await fetchWith(`ulimit -n ${files}`);
    if (code === 0) return;
    expect(code).toBe(6);
    expect(stderr).toContain('too many files');
    expect(stderr).toContain('`ulimit -n 1024`');
  });

  /** The limit of threads does not hold for root. */
  const asOther = 'setpriv --reuid 54321 --regid 54321 --clear-groups';
  const limit = 'ulimit -u 13';
  const node = `${process.execPath} ${PROGRAM}`;
  const can = spawnSync('bash', ['-c', `${asOther} bash -c '${limit}; exec ${node} list'`], {
    timeout: 20_000,
  });
  if (can.status !== 0) console.warn('SKIPPED: a limit of threads needs root and setpriv');

  it.skipIf(can.status !== 0)('two threads beside those of Node: all is fetched', async () => {
    expect(await fetchWith(limit, asOther)).toMatchObject({ code: 0 });
  });
});

describe.skipIf(!canInject)('an error when a file or a directory is closed', () => {
  it.each(['archives', 'images', '.ccxri/ledger'])('%s: of the disk, code 6', async (closed) => {
    const root = await tempDir();
    const dest = destIn(root);
    const small = sampleArchive('ChestDx-1.zip', { bytes: 2000 });
    const [source, own] = [join(root, 'source'), manifestOf(small)];
    await writeTree(source, { [small.name]: small.bytes });
    await writeFile(join(root, 'manifest.json'), JSON.stringify(own));
    const args = `fetch --subset all --manifest ${root}/manifest.json --source ${source} --dest ${dest}`;
    const strace = `strace -f -o /dev/null -P ${join(dest, closed)} -e trace=close`;
    const line = `UV_USE_IO_URING=0 ${strace} -e inject=close:error=EIO $ccxri ${args}`;
    const { code, stderr } = await program.bash(line);
    expect({ code, stderr }).toMatchObject({ code: 6, stderr: saying('EIO') });
    await checkInvariants({ dest, manifest: own });
  });
});

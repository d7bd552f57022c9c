import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { RELEASE, editedManifest } from '../support/demo-lines.ts';
import { type Nginx, useNginx } from '../support/nginx.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

// The tools themselves: they are in .ci/run, and a machine without one of them fails here.

const tempDir = useTempDirs();
const nginx = useNginx();
const exec = promisify(execFile);

interface Planned {
  readonly root: string;
  readonly out: string;
  readonly manifest: string;
  readonly server: Nginx;
  /** The command line of a tool, as it is printed. */
  readonly lineOf: (tool: string) => string;
  readonly files: readonly string[];
}

/** Everything is missing; Viral-1 has an MD5 that can't be trusted, and is wrong. */
async function planned(url = '{name}'): Promise<Planned> {
  const root = await tempDir();
  const server = await nginx({
    root: RELEASE,
    extra: 'location = /get { try_files /$arg_f =404; }',
  });
  const facts = { md5: 'f'.repeat(32), md5Disputed: 'it is wrong' };
  const manifest = await editedManifest(root, 'Viral-1.zip', facts);
  const out = join(root, 'it is "out"; $x');
  const of = ['--subset', 'all', '--dest', join(root, 'set'), '--manifest', manifest];
  const line = ['plan', ...of, '--source', `${server.url}/${url}`, '--format', 'all', '-o', out];
  const { code, stdout, stderr } = await runCli([...line, '--json']);
  expect(code, stderr).toBe(0);
  const { result } = documentOf(stdout) as unknown as {
    result: { handoff: { commands: readonly string[]; files: readonly { file: string }[] } };
  };
  const { commands, files } = result.handoff;
  const lineOf = (tool: string) => commands.find((each) => each.includes(tool)) ?? '';
  return { root, out, manifest, server, lineOf, files: files.map(({ file }) => file) };
}

const writtenAt = async (path: string) => (await stat(path)).ctimeMs;

const runLine = (line: string, cwd: string) => exec('sh', ['-c', line], { cwd });

async function expectWhole({ out, files }: Planned): Promise<void> {
  for (const name of files) {
    const [ours, theirs] = [out, RELEASE].map((directory) => readFile(join(directory, name)));
    expect((await ours)?.equals((await theirs) ?? Buffer.of()), name).toBe(true);
  }
}

describe('what is missing, got by another tool', () => {
  it.each(['--input-file=ccxri-plan.aria2', '--metalink-file', 'wget', 'ccxri-plan.sh'])(
    'by %s: all of it, under its names, and md5sum agrees; run again, it leaves them alone',
    async (tool) => {
      const plan = await planned();
      await runLine(plan.lineOf(tool), plan.out);
      await expectWhole(plan);
      const { stdout } = await runLine(plan.lineOf('md5sum'), plan.out);
      expect(stdout.trim().split('\n')).toHaveLength(plan.files.length - 1);
      // aria2 asks for a file whose length no list has, and drops the answer: traffic alone says little.
      const written = () => Promise.all(plan.files.map((name) => writtenAt(join(plan.out, name))));
      const before = await written();
      await runLine(plan.lineOf(tool), plan.out);
      const isDisputed = plan.files.map((name) => name === 'Viral-1.zip');
      expect((await written()).filter((_, at) => isDisputed[at] !== true)).toEqual(
        before.filter((_, at) => isDisputed[at] !== true),
      );
      await expectWhole(plan);
    },
    60_000,
  );

  it.each(['--input-file=ccxri-plan.aria2', '--metalink-file', 'wget', 'ccxri-plan.sh'])(
    'by %s from addresses that do not end in names: a fetch takes what came',
    async (tool) => {
      const plan = await planned('get?f={name}');
      await runLine(plan.lineOf(tool), plan.out);
      const came = await readdir(plan.out);
      // What adopts files goes by their content; here they get their names back.
      const source = join(plan.root, 'source');
      await mkdir(source);
      for (const name of plan.files) {
        const found = came.find((each) => each.endsWith(name)) ?? '';
        await copyFile(join(plan.out, found), join(source, name));
      }
      const { code, stderr } = await runCli([
        ...['fetch', '--subset', 'all', '--dest', join(plan.root, 'set')],
        ...['--manifest', plan.manifest, '--source', source],
      ]);
      expect(code, stderr).toBe(0);
    },
    60_000,
  );

  it.each(['--input-file=ccxri-plan.aria2', '--metalink-file', 'ccxri-plan.sh'])(
    'by %s: a damaged file is seen, by md5sum too',
    async (tool) => {
      const plan = await planned();
      const wrong = join(plan.root, 'mirror');
      await mkdir(wrong);
      for (const name of plan.files) await copyFile(join(RELEASE, name), join(wrong, name));
      await truncate(join(wrong, 'ChestDx-1.zip'), 1000);
      const bad = await nginx({ root: wrong });
      for (const list of await readdir(plan.out)) {
        const path = join(plan.out, list);
        const text = await readFile(path, 'utf8');
        await writeFile(path, text.replaceAll(plan.server.url, bad.url));
      }
      await expect(runLine(plan.lineOf(tool), plan.out)).rejects.toThrow();
      await expect(runLine(plan.lineOf('md5sum'), plan.out)).rejects.toThrow(/WARNING|FAILED/);
    },
    60_000,
  );
});

import { execFile } from 'node:child_process';
import { copyFile, mkdir, readFile, readdir, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
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
  readonly server: Nginx;
  /** The command line of a tool, as it is printed. */
  readonly lineOf: (tool: string) => string;
  readonly files: readonly string[];
}

const ofPlan = z.object({
  handoff: z.object({
    commands: z.array(z.string()),
    files: z.array(z.object({ file: z.string() })),
  }),
});
const ofAdopt = z.object({
  files: z.array(z.object({ file: z.string(), did: z.string(), how: z.string().nullable() })),
});
const ofVerify = z.object({
  outcomes: z.array(z.object({ file: z.string(), status: z.string() })),
});

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
  const { commands, files } = ofPlan.parse(documentOf(stdout).result).handoff;
  const lineOf = (tool: string) => commands.find((each) => each.includes(tool)) ?? '';
  return { root, out, server, lineOf, files: files.map(({ file }) => file) };
}

/** Runs the adoption that the text beside the lists names, its words as a shell reads them. */
async function adopt({ root, out }: Planned) {
  const text = await readFile(join(out, 'ccxri-plan.txt'), 'utf8');
  const [, line = ''] = /`ccxri (adopt [^`]*)`/.exec(text) ?? [];
  const { stdout: words } = await runLine(`printf '%s\\n' ${line}`, root);
  const run = await runCli([...words.trimEnd().split('\n'), '--json']);
  const { files } = ofAdopt.parse(documentOf(run.stdout).result);
  return { code: run.code, files };
}

/** The dataset directory has all of it, and every byte is checked. */
async function expectChecked({ root, files }: Planned): Promise<void> {
  // The adoption has kept the manifest.
  const run = await runCli(['verify', '--dest', join(root, 'set'), '--subset', 'all', '--json']);
  expect(run.code, run.stderr).toBe(0);
  const { outcomes } = ofVerify.parse(documentOf(run.stdout).result);
  expect(new Map(outcomes.map(({ file, status }) => [file, status]))).toEqual(
    new Map(files.map((f) => [f, f === 'Viral-1.zip' ? 'content-checked' : 'verified'])),
  );
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
      const { code, files } = await adopt(plan);
      expect([code, files.map(({ file }) => file).sort()]).toEqual([0, [...plan.files].sort()]);
      await expectChecked(plan);
    },
    60_000,
  );

  it.each(['--input-file=ccxri-plan.aria2', '--metalink-file', 'wget', 'ccxri-plan.sh'])(
    'by %s from addresses that do not end in names: adopt goes by the content',
    async (tool) => {
      const plan = await planned('get?f={name}');
      await runLine(plan.lineOf(tool), plan.out);
      const { code, files } = await adopt(plan);
      expect([code, files.map(({ how }) => how)]).toEqual([0, plan.files.map(() => 'linked')]);
      await expectChecked(plan);
    },
    60_000,
  );

  it.each(['--input-file=ccxri-plan.aria2', '--metalink-file', 'ccxri-plan.sh'])(
    'by %s: a damaged file is seen, by md5sum and adopt too, which takes the others',
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
      const { files } = await adopt(plan);
      const others = plan.files.filter((name) => name !== 'ChestDx-1.zip');
      // aria2c stops where one is wrong, and may not have got to the rest.
      const came = await readdir(plan.out);
      expect(files.map(({ file }) => file).sort()).toEqual(
        others.filter((name) => came.includes(name)).sort(),
      );
      const { code } = await runCli(['status', '--dest', join(plan.root, 'set')]);
      expect(code).toBe(0);
    },
    60_000,
  );
});

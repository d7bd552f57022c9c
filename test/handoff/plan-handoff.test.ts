import { readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LIST_NAMES, renderList } from '../../src/handoff/formats.ts';
import { HANDOFF_FORMATS, type HandoffFile } from '../../src/handoff/types.ts';
import { MANIFEST, RELEASE, fetchOf, set } from '../support/demo-lines.ts';
import { documentOf, runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const NOBODY = 'http://127.0.0.1:9/{name}';

async function plan(dest: string, ...more: readonly string[]) {
  return runCli(['plan', ...set(dest), '--subset', 'all', ...more]);
}

const FACTS = { release: 'R 1', dataset: 'R', version: '1', userAgent: "it's me" };
const FILE: HandoffFile = {
  file: 'A-1.zip',
  kind: 'archive',
  md5: 'a'.repeat(32),
  md5Disputed: false,
  bytes: 5,
  about: true,
  urls: ["https://x.example/a&b'c;$(id)?f=`id`"],
  path: null,
  withheld: 0,
};

describe('the lists', () => {
  it('have one file a format, sorted, and the same bytes each time', async () => {
    const dest = join(await tempDir(), 'set');
    const outs = [join(dest, '../one'), join(dest, '../two')];
    for (const out of outs) {
      const { code, stderr } = await plan(dest, '--format', 'all', '--source', NOBODY, '-o', out);
      expect(code, stderr).toBe(0);
    }
    const [one = '', two = ''] = outs;
    const names = await readdir(one);
    expect(names.sort()).toEqual([...Object.values(LIST_NAMES), 'ccxri-plan.txt'].sort());
    for (const name of names) {
      const [ours, theirs] = [one, two].map((out) => readFile(join(out, name), 'utf8'));
      // The text beside them names the directory.
      expect((await ours)?.replaceAll(one, two), name).toBe(await theirs);
    }
    const sums = await readFile(join(one, 'ccxri-plan.md5'), 'utf8');
    const listed = sums
      .trimEnd()
      .split('\n')
      .map((line) => line.slice(34));
    expect(listed[0]).toBe('ChestDx-1.zip');
    expect(listed.at(-1)).toBe('viral_pneumonia_COVID-19.csv');
  });

  it('have what is missing alone, and go to stdout as they are', async () => {
    const dest = join(await tempDir(), 'set');
    expect((await runCli(fetchOf('all', dest))).code).toBe(0);
    const none = await plan(dest, '--format', 'md5sum');
    expect(none).toMatchObject({ code: 0, stdout: '' });
    await rm(join(dest, 'labels/chest_dx.csv'));
    // The images are here: that archive is not missing.
    await rm(join(dest, 'archives/ChestDx-1.zip'));
    const { stdout } = await plan(dest, '--format', 'md5sum');
    expect(stdout).toMatch(/^[0-9a-f]{32} {2}chest_dx\.csv\n$/);
    const without = await plan(dest, '--format', 'md5sum', '--no-extract');
    expect(without.stdout.trimEnd().split('\n')).toHaveLength(2);
  });

  it('of an earlier plan do not stay where they have nothing now, and other files do', async () => {
    const root = await tempDir();
    const [dest, out] = [join(root, 'set'), join(root, 'out')];
    expect((await plan(dest, '--format', 'all', '--source', NOBODY, '-o', out)).code).toBe(0);
    await writeFile(join(out, 'ccxri-plan.mine'), 'mine');
    expect((await plan(dest, '--format', 'md5sum', '-o', out)).code).toBe(0);
    const left = ['ccxri-plan.md5', 'ccxri-plan.mine', 'ccxri-plan.txt'];
    expect((await readdir(out)).sort()).toEqual(left);
    expect((await runCli(fetchOf('all', dest))).code).toBe(0);
    expect((await plan(dest, '--format', 'md5sum', '-o', out)).code).toBe(0);
    expect(await readdir(out)).toEqual(['ccxri-plan.mine']);
  });

  it('of md5sum and json need no address; the others say why they have none', async () => {
    const dest = join(await tempDir(), 'set');
    const gone = ['--source', join(dest, 'nowhere')];
    expect((await plan(dest, '--format', 'md5sum', ...gone)).code).toBe(0);
    const json = await plan(dest, '--format', 'json', ...gone);
    expect(json.code).toBe(0);
    expect(json.stderr).toContain('no address is known of');
    expect(json.stdout).toContain('"planVersion": 1');
    expect(json.stdout).toContain('"urls": []');
    expect((await plan(dest, '--format', 'aria2', ...gone)).code).toBe(2);
    const local = await plan(dest, '--format', 'aria2', '--source', RELEASE);
    expect(local).toMatchObject({ code: 4, stdout: '' });
    expect(local.stderr).toContain('is in a directory of this machine');
  });

  it('have no secrets unless asked: no headers, no password, no signature', async () => {
    const dest = join(await tempDir(), 'set');
    const from = ['--source', 'http://me:word@127.0.0.1:9/get?f={name}&token=abc'];
    const header = ['--header', 'Authorization: Bearer xyz'];
    const kept = await plan(dest, '--format', 'json', ...from, ...header);
    expect(kept.stdout).not.toMatch(/abc|word|xyz/);
    expect(kept.stdout).toContain('"withheld": 1');
    const line = ['--format', 'aria2', ...from, ...header];
    const refused = await plan(dest, ...line);
    expect(refused).toMatchObject({ code: 4, stdout: '' });
    expect(refused.stderr).toContain('--with-secrets');
    const asked = await plan(dest, ...line, '--with-secrets');
    expect(asked.stdout).toContain('token=abc');
    expect(asked.stdout).not.toMatch(/word|xyz/);
  });

  it('quote foreign text, and refuse what would act', () => {
    expect(renderList('rclone', [FILE], FACTS)).toContain(
      `get 'https://x.example/a&b'\\''c;$(id)?f=\`id\`' A-1.zip ${'a'.repeat(32)}`,
    );
    expect(renderList('metalink', [FILE], FACTS)).toContain('a&#38;b&#39;c');
    for (const format of HANDOFF_FORMATS) {
      const newline = { ...FILE, file: 'a\n  out=/etc/passwd' };
      expect(() => renderList(format, [newline], FACTS)).toThrow("can't stand in a list");
      const tab = { ...FILE, urls: ['https://x.example/\thttps://evil.example/'] };
      expect(() => renderList(format, [tab], FACTS)).toThrow("can't stand in a list");
      const up = { ...FILE, file: '../a' };
      expect(() => renderList(format, [up], FACTS)).toThrow("can't stand in a list");
    }
  });
});

describe('the way back', () => {
  it('is said as a command with its paths, on the screen and beside the lists', async () => {
    const root = await tempDir();
    const [dest, out] = [join(root, 'my set'), join(root, 'out')];
    const { stdout } = await plan(dest, '--format', 'md5sum', '-o', out);
    const command = `ccxri adopt ${out} --dest '${dest}' --manifest ${MANIFEST}`;
    const says = `run \`${command}\` to take what has come`;
    expect(stdout).toContain(`then: ${says}\n`);
    expect(await readFile(join(out, 'ccxri-plan.txt'), 'utf8')).toContain(says);
    const { stdout: json } = await plan(dest, '--format', 'md5sum', '-o', out, '--json');
    expect(documentOf(json).result).toMatchObject({
      handoff: { next: [{ kind: 'run', command: 'adopt', argument: out, options: { dest } }] },
    });
  });
});

describe('a plan without a list', () => {
  it('says what a fetch would do, writes nothing, and wants a selection', async () => {
    const dest = join(await tempDir(), 'set');
    const { code, stdout } = await plan(dest);
    expect(code).toBe(0);
    expect(stdout).toMatch(/ChestDx-1\.zip[^]*nothing was written; `ccxri fetch --subset all/);
    await expect(readdir(dest)).rejects.toThrow('ENOENT');
    expect((await runCli(['plan', ...set(dest)])).code).toBe(2);
    expect((await plan(dest, '--label', 'Hernia')).stderr).toContain('single images');
    expect((await plan(dest, '-o', join(dest, 'x'))).code).toBe(2);
    expect((await plan(dest, '--format', 'webp')).stderr).toContain('there is no list for webp');
    const json = documentOf((await plan(dest, '--format', 'all', '--json')).stdout);
    expect(json.errors[0]?.message).toContain('several lists need a directory');
  });
});

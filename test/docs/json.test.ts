import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JSON_DOCS_PATH, definitionOf, renderJsonDocs } from '../../scripts/json-docs.ts';
import { readModel } from '../../scripts/json-model.ts';
import { StopRequest } from '../../src/cli/exit-codes.ts';
import { COMMAND_NAMES } from '../../src/cli/options.ts';
import {
  RELEASE,
  MANIFEST,
  archive,
  editedManifest,
  fetchOf,
  ownRelease,
  set,
} from '../support/demo-lines.ts';
import { describeClusterRuns } from '../support/described-cluster.ts';
import { describeAdoptRuns } from '../support/described-adopt.ts';
import { describeServeRuns } from '../support/described-serve.ts';
import { describeSourceRuns } from '../support/described-sources.ts';
import { describePlanRuns } from '../support/described-plans.ts';
import { CHEST_HEADER, chestRow, imagesInIndex, lines } from '../support/csv.ts';
import { DescribedOutput, FORMS, NEVER_SEEN } from '../support/described-output.ts';
import { idsOf, linesOf } from '../support/json-shape.ts';
import * as raw from '../support/raw-server.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs, writeTree } from '../support/temp-dirs.ts';
import { buildZip } from '../support/zip-builder.ts';

const model = readModel();
const tempDir = useTempDirs();
const serve = raw.useRawServers();

const described = new DescribedOutput(model);
const expectDescribed = described.expect.bind(described);

/** A whole dataset directory of the demo release; tests copy it. */
let fetched: string;
beforeAll(async () => {
  fetched = await mkdtemp(join(tmpdir(), 'ccxri-json-'));
  const { code, stderr } = await runCli(fetchOf('all', join(fetched, 'set')));
  expect(code, stderr).toBe(0);
});
afterAll(() => rm(fetched, { recursive: true, force: true }));

async function copyOfFetched(): Promise<string> {
  const dest = join(await tempDir(), 'set');
  await cp(join(fetched, 'set'), dest, { recursive: true, preserveTimestamps: true });
  return dest;
}

describe('docs/json.md', () => {
  it('is what the types and their comments say (`npm run json-docs` writes it)', async () => {
    expect(await readFile(JSON_DOCS_PATH, 'utf8')).toBe(await renderJsonDocs(model));
  });
});

describe('version 2 of the JSON output', () => {
  it('keeps its fields and values: new ones go into json-v2.txt too, and none is taken out', async () => {
    const frozen = await readFile(new URL('json-v2.txt', import.meta.url), 'utf8');
    expect([...model.values()].flatMap(({ name, shape }) => linesOf(name, shape)).sort()).toEqual(
      frozen.trimEnd().split('\n'),
    );
  });
});

describe('real output is described', () => {
  it('of list, and of a command line that is wrong', async () => {
    await expectDescribed(0, () => ['list']);
    await expectDescribed(0, () => ['list', '--file', 'Viral-1'], { env: { CCXRI_SUBSETS: 'x' } });
    await expectDescribed(2, () => ['list', '--subset', 'chestdc']);
    await expectDescribed(2, () => ['list', '--file', 'nobody']);
    await expectDescribed(2, () => ['list', '--manifest', '/nonexistent']);
    await expectDescribed(2, () => ['fetsh']);
    await expectDescribed(2, () => ['fetch', '--retries', 'x']);
    await expectDescribed(2, () => ['fetch', '--dest', '/nonexistent']);
  });

  it('of demo', async () => {
    const dest = join(await tempDir(), 'demo');
    // Most of a demo is waiting: both at once.
    const runs = FORMS.map((form) =>
      described.expectForm(form, 0, ['demo', '--dest', `${dest}${form}`]),
    );
    await Promise.all(runs);
    await expectDescribed(0, () => ['demo', '--dest', dest, '-n']);
    await writeTree(join(dest, '..'), { 'other/file': 'x' });
    await expectDescribed(2, () => ['demo', '--dest', join(dest, '../other')]);
  });

  it('of fetch, planned, done and stopped', async () => {
    const fresh = async () => join(await tempDir(), 'set');
    await expectDescribed(0, async () => [...fetchOf('all', await fresh()), '-n']);
    await expectDescribed(0, async () => fetchOf('viral', await fresh()));
    await expectDescribed(0, async () => [...fetchOf('viral', await fresh()), '--delete-archives']);
    await expectDescribed(0, async () => [...fetchOf('viral', await fresh()), '--low-disk']);
    const stop = new AbortController();
    stop.abort(new StopRequest('SIGTERM'));
    const { signal } = stop;
    await expectDescribed(143, async () => fetchOf('viral', await fresh()), { signal });
  });

  it('of verify, of what is whole, damaged, missing and of another manifest', async () => {
    const whole = await copyOfFetched();
    await expectDescribed(0, () => ['verify', ...set(whole)]);
    await expectDescribed(0, () => ['verify', '--quick', ...set(whole)]);
    await expectDescribed(0, () => ['verify', '--deep', ...set(whole)]);
    await expectDescribed(3, async () => {
      const dest = await copyOfFetched();
      const [image] = await imagesInIndex(dest, 'ChestDx-1');
      await writeFile(join(dest, 'archives/ChestDx-2.zip'), archive);
      await writeTree(dest, { [`images/ChestDx-1/${image}`]: 'x' });
      return ['verify', '--deep', ...set(dest)];
    });
    await rm(join(whole, 'archives/Viral-1.zip'));
    await rm(join(whole, 'images/Viral-1'), { recursive: true });
    await expectDescribed(5, () => ['verify', '--subset', 'viral', ...set(whole)]);
    await expectDescribed(2, async () => [
      ...['verify', '--dest', whole, '--file', 'ChestDx-1'],
      ...[
        '--manifest',
        await editedManifest(await tempDir(), 'ChestDx-1.zip', { md5: 'a'.repeat(32) }),
      ],
    ]);
  });

  it('of a directory with a stale lock, and files that have changed since they were accepted', async () => {
    const holder = { pid: 2 ** 30, host: hostname(), startToken: null };
    const lock = { lockVersion: 1, holder, token: 'x', since: '2026-01-05T10:11:12.000Z' };
    for (const more of [[], ['--no-repair']])
      await expectDescribed(0, async () => {
        const dest = await copyOfFetched();
        const files = { '.ccxri/lock': JSON.stringify(lock), 'archives/ChestDx-2.zip': archive };
        await writeTree(dest, files);
        return [...fetchOf('all', dest), ...more];
      });
    const lacking = await tempDir();
    await cp(RELEASE, lacking, { recursive: true });
    await rm(join(lacking, 'chest_dx.csv'));
    await expectDescribed(4, async () => {
      const dest = await copyOfFetched();
      await rm(join(dest, 'labels/chest_dx.csv'));
      return fetchOf('all', dest, lacking);
    });
  });

  it('of repair and members, of what is right, damaged and missing', async () => {
    const dest = await copyOfFetched();
    const of = ['repair', '--dest', dest, '--manifest', MANIFEST, '--source', RELEASE];
    await expectDescribed(0, () => of);
    await writeFile(join(dest, 'archives/ChestDx-2.zip'), archive);
    await expectDescribed(0, () => [...of, '-n']);
    await writeFile(join(dest, 'archives/ChestDx-2.zip'), archive);
    await expectDescribed(0, () => of);
    await rm(join(dest, 'archives/ChestDx-2.zip'));
    await expectDescribed(5, () => [...of, '--file', 'ChestDx-2']);
    await expectDescribed(4, () => ['members', '--list', ...of.slice(1, -1), dest]);
  });

  it('of extract, of unsafe and odd archives too', async () => {
    const bare = async () => {
      const dest = await copyOfFetched();
      await rm(join(dest, 'images'), { recursive: true });
      return dest;
    };
    await expectDescribed(0, async () => ['extract', ...set(await bare())]);
    await expectDescribed(0, async () => ['extract', '-n', ...set(await bare())]);
    await expectDescribed(5, async () => {
      const dest = await bare();
      await rm(join(dest, 'archives/Viral-1.zip'));
      return ['extract', '--file', 'Viral-1', ...set(dest)];
    });
    const odd = buildZip([{ name: 'patient1_000.jpg', content: 'x', date: 0x5260, time: 0 }]);
    const unsafe = buildZip([{ name: '../patient1_000.jpg', content: 'x' }]);
    await expectDescribed(0, async () =>
      ownRelease(await tempDir(), { 'archives/Odd-1.zip': odd }, ['extract']),
    );
    await expectDescribed(7, async () =>
      ownRelease(await tempDir(), { 'archives/Bad-1.zip': unsafe }, ['extract']),
    );
    const half = buildZip([{ name: '1.jpg', crc32: 1 }, { name: '2.jpg' }]);
    for (const line of ['extract', 'extract --keep-good', 'fetch --subset all --keep-good']) {
      const argv = line.split(' ');
      await expectDescribed(3, async () =>
        ownRelease(await tempDir(), { 'archives/Half-1.zip': half }, argv),
      );
    }
    await expectDescribed(0, async () =>
      ownRelease(await tempDir(), { 'archives/Odd-1.zip': odd }, ['verify', '--deep']),
    );
  });

  it('of join, with what does not add up', async () => {
    const dest = await copyOfFetched();
    const join_ = (more: readonly string[] = []) => ['join', ...set(dest), ...more];
    await expectDescribed(0, () => join_());
    await writeTree(dest, { 'images/Unknown-1/a.jpg': 'x', 'images/ChestDx-1/new_000.jpg': 'x' });
    await expectDescribed(8, () => join_(['--strict']));
    await rm(join(dest, 'labels/chest_dx.csv'));
    await expectDescribed(5, () => join_());
    await expectDescribed(0, () => join_(['--output', join(dest, '../part.csv')]));
    const foreign = lines(CHEST_HEADER, chestRow('x_0.jpg', 'Elsewhere'));
    await writeTree(dest, { 'labels/chest_dx.csv': foreign });
    await expectDescribed(8, () => join_());
    await writeTree(dest, { 'labels/chest_dx.csv': 'image_name,zip_file\n' });
    await expectDescribed(3, () => join_(['--output', join(dest, '../part.csv')]));
  });

  it('of status', async () => {
    const dest = await copyOfFetched();
    await expectDescribed(0, () => ['status', ...set(dest)]);
    await rm(join(dest, 'archives'), { recursive: true });
    await expectDescribed(0, () => ['status', ...set(dest)]);
    await expectDescribed(0, () => ['status', '--dest', join(dest, 'nowhere')]);
    await expectDescribed(0, () => ['audit', ...set(dest), '--decode']);
  });

  it('of plans and lockfiles', () => describePlanRuns(described, tempDir));

  it('of manifest', async () => {
    const output = join(await tempDir(), 'lab.json');
    await expectDescribed(0, () => ['manifest', RELEASE]);
    await expectDescribed(0, () => ['manifest', RELEASE, '-o', output]);
    await expectDescribed(2, () => ['manifest']);
    await expectDescribed(2, () => ['manifest', '/nonexistent']);
  });
});

describeAdoptRuns(described, { tempDir, copyOfFetched });

describeSourceRuns(described, {
  serve,
  tempDir,
  copyOfFetched,
  wholeSet: () => join(fetched, 'set'),
});

describeClusterRuns(described, { tempDir });
describeServeRuns(described, () => copyOfFetched());

describe('the description is of real output', () => {
  it('every field was met in one of the runs above, but those of the list', () => {
    const all = [...model.values()].flatMap(({ name, shape }) =>
      ['CommandCounts', 'CommandResults'].includes(name) ? [] : idsOf(shape),
    );
    expect(all.length).toBeGreaterThan(150);
    const unseen = all.filter((id) => !described.fields.has(id));
    expect(unseen.sort()).toEqual(Object.keys(NEVER_SEEN).sort());
  });

  it('every command had a result', () => {
    for (const command of COMMAND_NAMES) expect(described.commands).toContain(command);
  });

  it('every code of a warning was met', () => {
    const { shape } = definitionOf(model, 'WarningCode');
    const codes = shape.kind === 'union' ? shape.of : [];
    const all = codes.flatMap((code) => (code.kind === 'literal' ? [String(code.value)] : []));
    expect([...described.warningCodes].sort()).toEqual(all.sort());
  });
});

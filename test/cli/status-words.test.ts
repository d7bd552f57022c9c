import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { definitionOf } from '../../scripts/json-docs.ts';
import { type Field, type Shape, readModel } from '../../scripts/json-model.ts';
import { FILE_STATUSES, STATUS_KEYS, statusText } from '../../src/file-status.ts';
import { runCli } from '../support/run-cli.ts';
import { useTempDirs } from '../support/temp-dirs.ts';

const tempDir = useTempDirs();
const model = readModel();
const RELEASE = fileURLToPath(new URL('../../manifests/demo', import.meta.url));
const OF_DEMO = ['--manifest', join(RELEASE, 'manifest.json')];
const WORDS: readonly string[] = FILE_STATUSES.map(statusText);

/** Words that were used for a status before, and are said of nothing else. */
const OLD_WORDS =
  /\b(?:adopted|images-verified|images-only|images-bad|good-only|unchecked|putAside|workedOnBy|bytesTotal|aboutBytes)\b/;

/** What says something of one file. */
const OF_ONE_FILE = [
  ...['ListedFile', 'FetchStep', 'FetchOutcome', 'ExtractOutcome', 'VerifyOutcome'],
  ...['FileStatusRow', 'LinkRow', 'PlannedWork', 'PhaseStartEvent', 'ProgressEvent'],
  ...['PhaseDoneEvent', 'RetryEvent', 'SourceLeftEvent', 'FileDoneEvent', 'ArchiveRemovedEvent'],
];

function fieldsOf(shape: Shape): readonly Field[] {
  return shape.kind === 'object' ? shape.fields : [];
}

function textOf(path: string): Promise<string> {
  return readFile(new URL(`../../${path}`, import.meta.url), 'utf8');
}

describe('one word a state: in JSON', () => {
  const named = [...model.values()].filter(({ shape }) =>
    ['file', 'status'].every((name) => fieldsOf(shape).some((field) => field.name === name)),
  );

  it('`status` is one of the nine wherever a file has one', () => {
    expect(named.map(({ name }) => name).sort()).toEqual([
      'AdoptedFile',
      'AdoptedImages',
      'ExtractOutcome',
      'FetchOutcome',
      'FetchStep',
      'FileDoneEvent',
      'FileStatusRow',
      'RepairOutcome',
      'VerifyOutcome',
    ]);
    for (const { shape } of named) {
      const status = fieldsOf(shape).find(({ name }) => name === 'status');
      expect(status?.shape).toEqual({ kind: 'ref', name: 'FileStatus' });
    }
  });

  it('docs/json.md explains the nine, and no other word', async () => {
    const { shape, meaning } = definitionOf(model, 'FileStatus');
    const values = shape.kind === 'union' ? shape.of : [];
    const words = values.flatMap((each) => (each.kind === 'literal' ? [each.value] : []));
    expect(words.sort()).toEqual([...FILE_STATUSES].sort());
    for (const word of FILE_STATUSES) expect(meaning).toContain(`\`${word}\`:`);
    const page = await textOf('docs/json.md');
    const types = [...page.matchAll(/^\| `status` +\| (.+?) +\|/gm)].map(([, type]) => type);
    expect(new Set(types)).toEqual(
      new Set([
        '[FileStatus](#filestatus)',
        '`"ok"` or `"warning"` or `"problem"`',
        // Of a file of settings.
        '`"absent"` or `"ignored"` or `"read"`',
      ]),
    );
  });

  it('each is a key of the counts, in one spelling', () => {
    for (const name of ['FetchCounts', 'VerifyCounts', 'ExtractCounts', 'StatusCounts']) {
      const keys = fieldsOf(definitionOf(model, name).shape).map((field) => field.name);
      expect(keys).toEqual(expect.arrayContaining(Object.values(STATUS_KEYS)));
      expect(keys.filter((key) => key.includes('-'))).toEqual([]);
    }
  });

  it('a file is `file` with a list `subsets` in every row of a result, in the plan and in events', () => {
    for (const name of OF_ONE_FILE) {
      const fields = fieldsOf(definitionOf(model, name).shape);
      const subsets = fields.find((field) => field.name === 'subsets');
      expect(subsets?.shape).toMatchObject({ kind: 'array', of: { name: 'string' } });
      expect(fields.map((field) => field.name)).toContain('file');
    }
  });

  it('each event of a file has the subsets of the manifest', async () => {
    const dest = join(await tempDir(), 'set');
    const of = ['--dest', dest, ...OF_DEMO, '--source', RELEASE, '--ndjson'];
    const { stdout } = await runCli(['fetch', '--subset', 'viral', '--delete-archives', ...of]);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const ofFile = events.filter(({ file }) => file === 'Viral-1.zip');
    const kinds = ['phase-start', 'phase-done', 'file-done', 'archive-removed'];
    expect(ofFile.map(({ event }) => event)).toEqual(expect.arrayContaining(kinds));
    const subsets = ['cc-cxri-p', 'viral'];
    for (const event of ofFile) expect(event).toMatchObject({ subsets });
    const work = { file: 'Viral-1.zip', subsets, phase: 'download' };
    const index = {
      archives: [
        { file: 'Viral-1.zip', subsets },
        { file: 'Viral-2.zip', subsets },
      ],
    };
    expect(events[0]).toMatchObject({ event: 'plan' });
    expect(events[0]?.['work']).toContainEqual(expect.objectContaining(work));
    expect(events.at(-1)).toMatchObject({ event: 'summary', result: { index } });
  });
});

describe('one word a state: in text', () => {
  it.each(['README.md', 'docs/manifest.md', 'docs/options.md', 'SECURITY.md'])(
    '%s has none of the old words',
    async (path) => {
      expect(OLD_WORDS.exec(await textOf(path))).toBeNull();
    },
  );

  it('every screen has the nine', async () => {
    const dest = join(await tempDir(), 'set');
    const of = ['--dest', dest, ...OF_DEMO];
    const fetch = ['fetch', '--subset', 'all', ...of, '--source', RELEASE];
    const seen = new Set<string>();
    const look = async (column: RegExp, ...argv: readonly string[]) => {
      const { stdout, stderr } = await runCli(argv);
      expect(OLD_WORDS.exec(stdout + stderr)).toBeNull();
      const found = [...stdout.matchAll(column)].map(([, word = '']) => word);
      expect(found.length, stdout).toBeGreaterThan(0);
      for (const word of found) seen.add(word);
    };
    const inTable = /^[\w.-]+\.(?:zip|csv) +(\w[\w-]*(?: download(?= {2}))?)/gm;
    await look(inTable, ...fetch, '-n');
    await look(/^[\w ]+, (\S+) +\d+$/gm, ...fetch);
    await look(/^(\S+): .+ \d+$/gm, 'verify', ...of);
    await look(/^by the ledger, (\S+) +\d+$/gm, 'verify', '--quick', ...of);
    await look(inTable, 'status', '-v', ...of);
    await rm(join(dest, 'archives/Viral-1.zip'));
    await look(/^(\S+): archive .+ \d+$/gm, 'verify', ...of);
    await look(/^[\w ]+, (\S+) +\d+$/gm, ...fetch, '--delete-archives');
    await look(inTable, 'status', '-v', ...of);
    expect(WORDS).toEqual(expect.arrayContaining([...seen]));
    expect([...seen].sort()).toEqual(['crc-checked', 'removed', 'to download', 'verified']);
  });
});

it('a deletion is announced, shown as it happens, and counted', async () => {
  const dest = join(await tempDir(), 'set');
  const fetch = ['fetch', '--subset', 'viral', '--dest', dest, ...OF_DEMO, '--source', RELEASE];
  await runCli(fetch);
  const dry = await runCli([...fetch, '--delete-archives', '-n']);
  expect(dry.stdout).toMatch(/^Viral-1\.zip +verified +delete the archive +\d+ KB$/m);
  // What stdout has is not on stderr once more.
  expect(dry.stderr).not.toContain('plan:');
  expect(dry.stdout).toMatch(/^delete: 2 archives here, \d+ KB, once their images are checked$/m);
  const { stdout, stderr } = await runCli([...fetch, '--delete-archives']);
  expect(stderr).toMatch(/^plan: .+; 2 archives to delete after extraction \(\d+ KB\)/m);
  expect(stderr).toMatch(/^Viral-1\.zip: archive removed, \d+ KB; its images are checked$/m);
  expect(stdout).toMatch(/^done before, removed +2$/m);
  expect(stdout).toMatch(/^removed 2 archives, \d+ KB: their images are checked$/m);
  const again = await runCli([...fetch, '--delete-archives', '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ counts: { removed: 2, skipped: 3 } });
});

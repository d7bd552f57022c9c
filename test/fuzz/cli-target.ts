import assert from 'node:assert/strict';
import fc from 'fast-check';
import { unknownVariables, resolveSettings } from '../../src/cli/options-resolve.ts';
import type { Settings } from '../../src/cli/options.ts';
import { parseCommandLine } from '../../src/cli/program.ts';
import { toJson } from '../../src/cli/report.ts';
import { CcxriError, ERROR_CODES, toErrorRecord } from '../../src/errors.ts';
import type { RunEvent } from '../../src/events.ts';
import { FILE_STATUSES } from '../../src/file-status.ts';
import { commandLines, environments } from './command-line.ts';
import { toFuzz, type Fuzz } from './harness.ts';
import { isSafe } from './presentable.ts';

/** What a user may type, or an environment hold; and what a script reads. */
export const cliTargets: readonly Fuzz[] = [
  toFuzz({
    parser: 'command line',
    inputs: fc.record({
      argv: commandLines,
      env: environments,
      width: fc.constantFrom(1, 20, 80, 200, Infinity),
    }),
    build: (input) => input,
    codes: ['usage'],
    parse: ({ argv, env, width }) => {
      const request = parseCommandLine(argv, width);
      for (const warning of unknownVariables(env)) assert(isSafe(warning), warning);
      if (request.kind === 'text') {
        assert(request.text.length > 0 && isSafe(request.text.replaceAll('\n', '')));
        return true;
      }
      const settings = resolveSettings(request.command, request.flags, env);
      assertSettings(settings);
      const { concurrency } = request.flags;
      if (concurrency !== undefined) assert.equal(settings.concurrency, Number(concurrency));
      return true;
    },
  }),
  toFuzz({
    parser: 'JSON output',
    inputs: fc.oneof(events(), errors()),
    build: (input) => input,
    codes: [],
    always: 'accepted',
    parse: (value) => {
      const record = value.kind === 'event' ? value.event : toError(value);
      const line = toJson(record, 0);
      assert(isSafe(line), 'it acts in a terminal, or has more than one line');
      const expected = record instanceof CcxriError ? toErrorRecord(record) : record;
      assert.deepEqual(JSON.parse(line), JSON.parse(JSON.stringify(expected)));
      assert.deepEqual(JSON.parse(toJson(record, 2)), JSON.parse(line));
      return true;
    },
  }),
];

function assertSettings(settings: Settings): void {
  const {
    concurrency = 4,
    connections = 'auto',
    retries = 10,
    timeout = 30,
    limitRate = 1000,
  } = settings;
  assert(Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 64);
  if (connections !== 'auto') {
    const most = typeof connections === 'number' ? connections : connections.most;
    assert(Number.isInteger(most) && most >= 1 && most <= 64);
  }
  assert(Number.isInteger(retries) && retries >= 0 && retries <= 1000);
  assert(timeout >= 1 && timeout <= 3600);
  assert(Number.isSafeInteger(limitRate) && limitRate >= 1000);
  for (const name of [...settings.subset, ...settings.file]) assert.notEqual(name.trim(), '');
  for (const [name, value] of Object.entries(settings.header)) {
    assert.match(`${name}: ${value}`, /^[!-9;-~]+: [^\r\n\0]+$/);
  }
  const { json, ndjson, quiet, verbose, quick, deep, noExtract, deleteArchives } = settings;
  assert(!(json && ndjson) && !(quiet && verbose) && !(quick && deep));
  assert(!(noExtract && deleteArchives));
  assert(['auto', 'never', 'always'].includes(settings.color));
}

type Output =
  { readonly kind: 'event'; readonly event: RunEvent } | ({ readonly kind: 'error' } & ErrorShape);

interface ErrorShape {
  readonly code: (typeof ERROR_CODES)[number];
  readonly message: string;
  readonly hint: string;
  readonly file: string;
  readonly reasons: readonly string[];
  readonly line: number;
}

function toError({ code, message, hint, file, reasons, line }: ErrorShape): CcxriError {
  const cause = new Error(message);
  return new CcxriError(code, message, {
    next: [{ kind: 'advice', text: hint }],
    file,
    reasons,
    line,
    cause,
  });
}

function texts(): fc.Arbitrary<string> {
  return fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.constantFrom('a\nb', '\u2028', '\ud800', '"', '\\', '\0', '</script>', '__proto__'),
  );
}

function errors(): fc.Arbitrary<Output> {
  return fc.record({
    kind: fc.constant('error' as const),
    code: fc.constantFrom(...ERROR_CODES),
    message: texts(),
    hint: texts(),
    file: texts(),
    reasons: fc.array(texts(), { maxLength: 3 }),
    line: fc.nat(),
  });
}

function events(): fc.Arbitrary<Output> {
  const phase = fc.constantFrom('download', 'hash', 'extract', 'check');
  const count = fc.nat();
  const event: fc.Arbitrary<RunEvent> = fc.oneof(
    fc.record({
      event: fc.constant('file-done' as const),
      file: texts(),
      status: fc.constantFrom(...FILE_STATUSES),
      did: fc.constantFrom('downloaded', 'failed', 'skipped'),
    }),
    fc.record({
      event: fc.constant('progress' as const),
      file: texts(),
      phase,
      doneBytes: count,
      totalBytes: fc.option(count),
    }),
    fc.record({
      event: fc.constant('warning' as const),
      code: fc.constantFrom('source', 'disk', 'archive-oddity'),
      file: texts(),
      message: texts(),
    }),
    fc.record({ event: fc.constant('index-written' as const), path: texts(), rows: count }),
  );
  return event.map((each) => ({ kind: 'event', event: each }));
}

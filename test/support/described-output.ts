import { expect } from 'vitest';
import type { Model } from '../../scripts/json-model.ts';
import { fastClock } from './clock.ts';
import { asRecord, problemsOf, withoutStamp } from './json-shape.ts';
import { type CliWorld, runCli } from './run-cli.ts';

export const FORMS = ['--json', '--ndjson'] as const;
type Form = (typeof FORMS)[number];
type Argv = (form: Form) => Promise<readonly string[]> | readonly string[];

/** Compares each document and event that commands print with its description, and notes what was met. */
export class DescribedOutput {
  readonly #model: Model;
  /** Ids of fields. */
  readonly fields = new Set<string>();
  readonly warningCodes = new Set<string>();
  /** Those that had a result. */
  readonly commands = new Set<unknown>();

  constructor(model: Model) {
    this.#model = model;
  }

  /** Runs it in both forms. */
  async expect(exitCode: number, argv: Argv, world: CliWorld = {}): Promise<void> {
    for (const form of FORMS) await this.expectForm(form, exitCode, await argv(form), world);
  }

  /** Waits take no time, where the world has no other clock. */
  async expectForm(
    form: Form,
    exitCode: number,
    argv: readonly string[],
    world: CliWorld = {},
  ): Promise<void> {
    const { code, stdout, stderr } = await runCli([...argv, form], {
      clock: fastClock(),
      ...world,
    });
    expect(code, stderr).toBe(exitCode);
    if (form === '--json') {
      this.#expectShape(JSON.parse(stdout), 'RunDocument');
      return;
    }
    for (const line of stdout.trimEnd().split('\n')) {
      const event = asRecord(JSON.parse(line));
      if (event['event'] === 'warning') this.warningCodes.add(String(event['code']));
      this.#expectShape(event, event['event'] === 'summary' ? 'SummaryEvent' : 'RunEvent');
    }
  }

  #expectShape(value: unknown, name: 'RunDocument' | 'SummaryEvent' | 'RunEvent'): void {
    const record = asRecord(value);
    expect(Object.entries(record)[0]).toEqual(['formatVersion', 2]);
    const checked = name === 'RunEvent' ? withoutStamp(record) : record;
    const command = String(record['command']);
    const context = { model: this.#model, command, marks: this.fields };
    expect(problemsOf(checked, { kind: 'ref', name }, context, name)).toEqual([]);
    if (record['result'] !== null) this.commands.add(record['command']);
  }
}

/** Fields that are documented and that none of the runs of test/docs/json.test.ts has, with the reason. */
export const NEVER_SEEN: Readonly<Record<string, string>> = {
  ...{ 'BugRecord.code': 'no test provokes a bug', 'BugRecord.message': 'likewise' },
  ...{ 'Manifest.counts': 'ccxri manifest writes none', 'ManifestFile.url': 'likewise' },
  ...{
    'ReportResult.unreadable.path': 'all images can be read',
    'ReportResult.unreadable.why': '',
  },
  'ManifestFile.md5Disputed': 'ccxri manifest writes none',
};

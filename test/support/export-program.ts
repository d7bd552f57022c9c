import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Dataset, makeDataset } from './dataset.ts';
import { type CliRun, runCli } from './run-cli.ts';

/** A dataset directory, and a place for its export. */
export interface ExportProgram {
  readonly dataset: Dataset;
  /** The directory of the export. */
  readonly to: string;
  /** Runs a command on the dataset. */
  readonly run: (command: string, ...argv: readonly string[]) => Promise<CliRun>;
  /** Exports to `to`. */
  readonly exportTo: (...argv: readonly string[]) => Promise<CliRun>;
  /** Of the export. */
  readonly read: (name: string) => Promise<string>;
}

/** @param extracted archives whose images are; of the others they are exported out of the archive */
export async function makeExportProgram(
  directory: string,
  extracted: readonly string[] = ['ChestDx-1'],
): Promise<ExportProgram> {
  const dataset = await makeDataset(directory, { extracted });
  const where = ['--manifest', dataset.release.manifestPath, '--dest', dataset.root];
  const to = join(directory, 'out', 'set');
  const run = (command: string, ...argv: readonly string[]) =>
    runCli([command, ...where, ...argv], { cwd: directory });
  return {
    ...{ dataset, to, run },
    exportTo: (...argv) => run('export', ...argv, '--to', to),
    read: (name) => readFile(join(to, name), 'utf8'),
  };
}

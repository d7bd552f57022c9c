import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { layoutOf } from '../src/dataset/layout.ts';
import { Ledger, type MembersRecord } from '../src/dataset/ledger.ts';
import { freshDirectory } from './fresh-directory.ts';
import { measure, type Measured } from './measure.ts';
import { middle } from './run-works.ts';
import type { Place } from './works.ts';

/** A figure that is not a ratio to a rival's wall time over the release. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly target: number | null;
  readonly note: string;
}

/** What has to be as fast as bare Node, nearly: many short runs, for each is mostly noise. */
export async function startFigures(ccxri: string, cwd: string): Promise<readonly Figure[]> {
  return [
    await startFigure(`${ccxri} --version`, { name: '--version / node -e 0', target: 1.3, cwd }),
    await startFigure(`${ccxri} __complete bash fetch --subset ch`, {
      name: 'completion / node -e 0',
      target: 1.5,
      cwd,
    }),
  ];
}

async function startFigure(
  line: string,
  { name, target, cwd }: Pick<Figure, 'name' | 'target'> & { readonly cwd: string },
): Promise<Figure> {
  const ours: Measured[] = [];
  const bare: Measured[] = [];
  // Twenty starts in one measurement: bash's clock has milliseconds only.
  const many = (command: string) => `for i in $(seq 20); do ${command} >/dev/null; done`;
  for (let round = 0; round < 5; round += 1) {
    ours.push(await measure(many(line), cwd));
    bare.push(await measure(many('node -e 0'), cwd));
  }
  const [a, b] = [middle(ours).wallS / 20, middle(bare).wallS / 20];
  const note = `${(a * 1000).toFixed(0)} ms against ${(b * 1000).toFixed(0)} ms`;
  return { name, value: a / b, unit: 'x', target, note };
}

/** `fetch` where all is in place. */
export async function nothingToDo(place: Place): Promise<Figure> {
  const { ccxri, release, url, scratch } = place;
  const out = join(scratch, 'whole');
  const fetch = `${ccxri} fetch --subset all --manifest ${release}/manifest.json --source ${url} --dest ${out} -q -y`;
  await measure(`${freshDirectory(out)} && ${fetch}`, scratch);
  const runs: Measured[] = [];
  for (let round = 0; round < 5; round += 1) runs.push(await measure(fetch, scratch));
  await rm(out, { recursive: true, force: true });
  return {
    name: 'fetch, nothing to do',
    value: middle(runs).wallS,
    unit: 's',
    target: 0.5,
    note: `${place.archives.length} archives, extracted, index.csv written anew`,
  };
}

const JOIN_ARCHIVES = 74;
const JOIN_ROWS = 162_000;
const LABEL_COLUMNS = 15;

/**
 * The whole `join` of a dataset as large as ChestDx and ChestDx-PE together, with the ledger that an
 * extraction leaves; images are empty files.
 */
export async function joinFigure(ccxri: string, scratch: string): Promise<Figure> {
  const dest = join(scratch, 'join');
  await rm(dest, { recursive: true, force: true });
  const header =
    'image,zip,Consolidation,Fibrosis,Nodule,Hernia,Atelectasis,Pneumothorax,Edema,Pneumonia,Emphysema,Effusion,Infiltration,Pleural_thickening,Mass,Cardiomegaly,No_finding';
  const rows = [header];
  const ledger = new Ledger(layoutOf(dest).ledger);
  await mkdir(layoutOf(dest).ledger, { recursive: true });
  for (let archive = 1; archive <= JOIN_ARCHIVES; archive += 1) {
    const stem = archive <= 51 ? `ChestDx-${archive}` : `ChestDx_PE-${archive - 51}`;
    const folder = join(dest, 'images', stem);
    await mkdir(folder, { recursive: true });
    const images = Math.ceil(JOIN_ROWS / JOIN_ARCHIVES);
    const members: MembersRecord['members'][number][] = [];
    for (let image = 0; image < images && rows.length <= JOIN_ROWS; image += 1) {
      const name = `patient${10_000_000 + archive * 10_000 + (image >> 1)}_00${image & 1}.jpg`;
      const cells = Array.from({ length: LABEL_COLUMNS }, (_, at) =>
        (image + at) % 15 === 0 && at < 14 ? '1' : '0',
      );
      rows.push([name, stem, ...cells].join(','));
      await writeFile(join(folder, name), '');
      members.push({ path: name, bytes: 0, crc32: 0, state: 'verified' });
    }
    await ledger.writeMembers({
      archive: `${stem}.zip`,
      md5: '0'.repeat(32),
      isComplete: true,
      extractedAt: new Date(0).toISOString(),
      members,
    });
  }
  await mkdir(join(dest, 'labels'), { recursive: true });
  await writeFile(join(dest, 'labels', 'chest_dx.csv'), `${rows.join('\n')}\n`);
  const runs: Measured[] = [];
  for (let round = 0; round < 5; round += 1) {
    runs.push(await measure(`${ccxri} join --dest ${dest} -q`, scratch));
  }
  await rm(dest, { recursive: true, force: true });
  const memory = `peak ${(middle(runs).peakBytes / 1e6).toFixed(0)} MB`;
  return {
    name: `join, ${JOIN_ROWS} rows`,
    value: middle(runs).wallS,
    unit: 's',
    target: 3,
    note: memory,
  };
}

import { type CcxriError, isCcxriError } from '../errors.ts';
import { formatBytes } from '../text.ts';
import { type CheckResult, ok, warning } from './examination.ts';
import { type Asking, requestSlice } from './request.ts';

/** Of each connection: 13 of them bring 416 KB. */
export const SPEED_SLICE_BYTES = 32 * 1024;
const CONNECTIONS = [1, 4, 8] as const;

/** What so many connections at once have brought. */
interface Measure {
  readonly connections: number;
  readonly bytes: number;
  readonly ms: number;
}

export interface Speeds {
  readonly measures: readonly Measure[];
  /** Why more connections were not tried. */
  readonly refused?: { readonly connections: number; readonly error: CcxriError };
}

/**
 * The same number of bytes over each of 1, 4 and 8 connections. Connections that are refused end it:
 * nobody is to be barred for a look.
 * @param totalBytes of the file, at least `SPEED_SLICE_BYTES`
 * @throws CcxriError `aborted`
 */
export async function measureSpeeds(
  asking: Asking,
  url: string,
  totalBytes: number,
): Promise<Speeds> {
  const measures: Measure[] = [];
  const last = Math.max(1, Math.floor(totalBytes / SPEED_SLICE_BYTES));
  let slice = 0;
  for (const connections of CONNECTIONS) {
    const slices = Array.from({ length: connections }, () => (slice++ % last) * SPEED_SLICE_BYTES);
    const ended = await Promise.allSettled(
      slices.map((from) =>
        requestSlice(asking, url, { from, to: Math.min(totalBytes, from + SPEED_SLICE_BYTES) }),
      ),
    );
    const samples = ended.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    for (const each of ended) {
      if (each.status === 'fulfilled') continue;
      const error: unknown = each.reason;
      if (!isCcxriError(error) || error.code === 'aborted') throw error;
      return { measures, refused: { connections, error } };
    }
    const bytes = samples.reduce((sum, sample) => sum + sample.bytes.length, 0);
    // From the heads on: connecting takes the same, however many there are.
    const ms = Math.max(...samples.map(({ bodyMs }) => bodyMs));
    measures.push({ connections, bytes, ms });
  }
  return { measures };
}

/** Below this time a measure shows the speed of memory, not of the line. */
const LEAST_MS = 10;
/** One connection slower than this takes days for the whole dataset. */
const SLOW_BYTES_PER_SECOND = 50_000;
const ROUGH = '(a rough measure, of 32 KB a connection)';

export function judgeSpeeds({ measures, refused }: Speeds): CheckResult {
  const seen = measures.map((each) => `${speedOf(each)} with ${each.connections}`).join(', ');
  if (refused !== undefined) {
    const before = measures.at(-1)?.connections ?? 1;
    const what = `${refused.connections} connections at once are refused (${refused.error.message})`;
    return warning(measures.length === 0 ? what : `${seen}; ${what}`, [
      { kind: 'option', option: 'connections', value: String(before), purpose: 'to the fetch' },
    ]);
  }
  const [one] = measures;
  const most = measures.at(-1);
  if (one === undefined || most === undefined) return ok('not measured');
  const text = `${seen}: ${conclusionOf(one, most)} ${ROUGH}`;
  return rateOf(most) < SLOW_BYTES_PER_SECOND ? warning(text) : ok(text);
}

function rateOf({ bytes, ms }: Measure): number {
  return (bytes * 1000) / Math.max(ms, LEAST_MS);
}

function speedOf(measure: Measure): string {
  const over = measure.ms < LEAST_MS ? 'over ' : '';
  return `${over}${formatBytes(rateOf(measure))}/s`;
}

function conclusionOf(one: Measure, most: Measure): string {
  if (one.ms < LEAST_MS && most.ms < LEAST_MS) return 'a fast line';
  const gain = rateOf(most) / rateOf(one);
  if (gain >= most.connections / 2) return 'each connection is limited, and more bring more';
  return gain >= 1.5 ? 'more connections help' : 'one connection fills the line';
}

import { throwIfAborted } from '../abort.ts';
import { systemClock } from '../clock.ts';
import { resolveManifest } from '../dataset/kept-manifest.ts';
import { ignoreEvents } from '../events.ts';
import type { CheckName, CheckRow } from '../checks.ts';
import { HttpClient } from '../http/client.ts';
import { toProxySettings } from '../http/proxy.ts';
import { DEFAULT_TIMEOUT_MS } from '../http/retry-policy.ts';
import { isEmptySelection, selectFiles } from '../manifest/manifest.ts';
import { headerOptionsOf } from '../sources/header-options.ts';
import { examineDestination } from './destination.ts';
import { Examination, together } from './examination.ts';
import { examineMachine } from './machine.ts';
import { examineVersion } from './newer.ts';
import { examineNetwork } from './network.ts';
import { sourceName } from './source-work.ts';
import type { DoctorOptions, DoctorResult } from './types.ts';

const DEFAULT_DEADLINE_MS = 60_000;

/**
 * Looks, in a minute and a few hundred KB, at what decides whether a fetch will work: the network, the
 * destination and this machine. What is wrong is a row. Nothing is left behind.
 * @throws CcxriError `unknown-subset`, `unknown-file`; `usage`: a proxy variable is no address;
 *   `aborted`
 */
export async function diagnose(options: DoctorOptions): Promise<DoctorResult> {
  const { dest, selection = {}, sources = [], env = {} } = options;
  const { pageUrl, signal, onEvent = ignoreEvents, clock = systemClock } = options;
  const {
    timeoutMs = DEFAULT_TIMEOUT_MS,
    deadlineMs = DEFAULT_DEADLINE_MS,
    dryRun = false,
    asksNewer = false,
  } = options;
  throwIfAborted(signal);
  const { manifest } = await resolveManifest(options);
  const files = isEmptySelection(selection) ? manifest.files : selectFiles(manifest, selection);
  const proxies = toProxySettings(env);
  const headers = headerOptionsOf(options, manifest, onEvent);
  const client = new HttpClient({ timeoutMs, clock, env, ...headers });
  const examination = new Examination({ clock, onEvent, signal, deadlineMs });
  try {
    await together([
      examineNetwork({ examination, manifest, files, sources, pageUrl, client, proxies, clock }),
      examineDestination({ examination, manifest, dest, selection, clock, dryRun }),
      examineMachine(examination, options.nodeVersion),
      ...(asksNewer ? [examineVersion(examination, { part: 'machine' }, env)] : []),
    ]);
  } finally {
    await client.close();
  }
  throwIfAborted(signal);
  return {
    dest,
    checks: inOrder(examination.rows, sources.map(sourceName)),
    elapsedMs: examination.elapsedMs(),
  };
}

const ORDER: Readonly<Record<CheckName, number>> = {
  proxy: 0,
  names: 1,
  connect: 2,
  certificate: 3,
  source: 4,
  archive: 5,
  labels: 6,
  ranges: 7,
  validator: 8,
  wall: 9,
  speed: 10,
  clock: 11,
  directory: 20,
  space: 21,
  inodes: 22,
  'file-system': 23,
  rename: 24,
  flush: 25,
  case: 26,
  'path-length': 27,
  'disk-clock': 28,
  lock: 29,
  node: 30,
  'open-files': 31,
  memory: 32,
  version: 33,
};

/** Source after source, in the order in which they are tried: they were looked at side by side. */
function inOrder(rows: readonly CheckRow[], sources: readonly string[]): readonly CheckRow[] {
  const rank = ({ part, source, check }: CheckRow) => {
    const at = source === undefined ? -1 : sources.indexOf(source);
    return (part === 'network' ? (at < 0 ? sources.length : at) * 100 : 1e6) + ORDER[check];
  };
  return rows.toSorted((a, b) => rank(a) - rank(b));
}

import { throwIfAborted } from '../abort.ts';
import { CcxriError, isCcxriError } from '../errors.ts';
import type { CheckName } from '../checks.ts';
import type { EventListener } from '../events.ts';
import { loadPageWith, loadStartWith } from '../http/page.ts';
import { type Proxy, proxyFor } from '../http/proxy.ts';
import type { Wall } from '../http/walls.ts';
import type { ManifestFile } from '../manifest/manifest.ts';
import { openSources } from '../sources/open-source.ts';
import { QUESTION_POLICY, type Source, type SourceContext } from '../sources/source.ts';
import { toPrintable } from '../text.ts';
import { type CheckResult, type Subject, ok, together } from './examination.ts';
import { type Large, type Located, examineArchive, examineLabels, examineSpeed } from './files.ts';
import { type Endpoint, endpointOf, readCertificate, resolveName, tryAddresses } from './host.ts';
import { judgeAddresses, judgeCertificate, judgeNames } from './judge-host.ts';
import { judgeSource } from './judge-source.ts';
import { type NetworkWork, type SourceWork, sourceName, urlOf } from './source-work.ts';
import { examineWall } from './wall.ts';

/** A page that is busy once is asked again; nobody is to wait for more. */
const PAGE_POLICY = { ...QUESTION_POLICY, retries: 1, maxRetryAfterMs: 2000 };

/**
 * Looks at the way to each source, side by side; then measures speeds one after the other, when
 * nothing else is on the line.
 */
export async function examineNetwork(work: NetworkWork): Promise<void> {
  const large: Large[] = [];
  await together(
    typedSources(work).map(async (typed) => {
      const source = typed === undefined ? "the manifest's url" : sourceName(typed);
      const subject: Subject = { part: 'network', source };
      const walls: Wall[] = [];
      const onWall = (wall: Wall) => walls.push(wall);
      const own = { ...work, typed, subject, onWall };
      large.push(...(await examineSource(own)));
      await examineWall(own, walls);
    }),
  );
  for (const each of large) await examineSpeed(each);
}

function typedSources({ sources, manifest, files }: NetworkWork): readonly (string | undefined)[] {
  const own = files.some(({ url }) => url !== undefined) ? [undefined] : [];
  if (sources.length > 0) return [...sources, ...own];
  return files.every(({ url }) => url !== undefined) ? own : [...own, manifest.homepage];
}

async function examineSource(work: SourceWork): Promise<readonly Large[]> {
  const own = urlOf(work.typed);
  const large: Large[] = [];
  const files = async () => {
    const { archive, labels } = await examineFiles(work);
    const urls = [archive, labels].flatMap((each) =>
      each?.location.kind === 'url' ? [each.location.url] : [],
    );
    // A page may link to another server.
    const [elsewhere] = urls.filter((url) => own === undefined || !isSameOrigin(url, own));
    await together([
      elsewhere === undefined ? Promise.resolve() : examineElsewhere(elsewhere, work),
      examineArchive(archive, work).then((found) => large.push(...found)),
      examineLabels(labels, work),
    ]);
  };
  if (own === undefined) {
    await files();
    return large;
  }
  const host = await examineName(own, work);
  // Without an address nothing else works, and the row of the name has said so.
  if (host !== undefined) await together([examineHost(host, work), files()]);
  return large;
}

function isSameOrigin(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}

/** The server of a URL, or the proxy in front of it. */
interface Host {
  readonly url: string;
  readonly proxy: Proxy | undefined;
  readonly endpoint: Endpoint;
  readonly names: readonly string[];
}

/** The server that the links of a source name, where it is not the source's own. */
async function examineElsewhere(url: string, work: SourceWork): Promise<void> {
  const host = await examineName(url, work);
  if (host !== undefined) await examineHost(host, work, 'elsewhere');
}

/** @returns undefined: its name has no address */
async function examineName(
  url: string,
  { examination, subject, proxies }: SourceWork,
): Promise<Host | undefined> {
  const proxy = proxyFor(new URL(url), proxies);
  if (proxy !== undefined) {
    examination.add(subject, 'proxy', ok(`${proxy.shown} (${proxy.variable})`));
  }
  const endpoint = proxy ?? endpointOf(url);
  const names = await examination.attempt(subject, 'names', () => resolveName(endpoint.host));
  if (names === undefined) return undefined;
  examination.add(subject, 'names', judgeNames(endpoint.host, names));
  return { url, proxy, endpoint, names };
}

/**
 * The addresses of a host, and its certificate.
 * @param which `elsewhere`: not the server of the source, but the one that its links name
 */
async function examineHost(
  { url, proxy, endpoint, names }: Host,
  work: SourceWork,
  which: 'own' | 'elsewhere' = 'own',
): Promise<void> {
  const { examination, subject, clock } = work;
  const add = (check: CheckName, result: CheckResult) => {
    const about = which === 'elsewhere' ? `${toPrintable(endpoint.host, 100)}: ` : '';
    examination.add(subject, check, { ...result, seen: `${about}${result.seen}` });
  };
  const tried = await examination.attempt(subject, 'connect', (signal) =>
    tryAddresses(names, endpoint.port, { nowMs: () => clock.nowMs(), signal }),
  );
  if (tried === undefined) return;
  add('connect', judgeAddresses(tried, proxy !== undefined));
  const address = tried.find(({ tookMs }) => tookMs !== undefined)?.address;
  // To a proxy that is spoken to over TLS there would be one in the other: the requests show it.
  if (address === undefined || proxy?.kind === 'https' || !url.startsWith('https:')) return;
  const way = proxy === undefined ? undefined : { proxy, address };
  const certificate = await examination.attempt(subject, 'certificate', (signal) =>
    readCertificate(endpointOf(url), way, signal),
  );
  if (certificate === undefined) return;
  add('certificate', judgeCertificate(certificate, clock.date().getTime()));
}

interface FoundFiles {
  readonly archive?: Located | undefined;
  readonly labels?: Located | undefined;
}

/** Opens a source, asks it for every file, and picks one of each kind to look at. */
async function examineFiles(work: SourceWork): Promise<FoundFiles> {
  const { examination, subject, files, manifest } = work;
  const answer = await examination.attempt(subject, 'source', (signal) => askSource(work, signal));
  if (answer === undefined) return {};
  const result = judgeSource({
    ...answer,
    files: files.map(({ name }) => name),
    located: answer.located.map(({ file }) => file.name),
    homepage: manifest.homepage,
  });
  examination.add(subject, 'source', result);
  const first = (kind: ManifestFile['kind']) =>
    answer.located.find(({ file }) => file.kind === kind);
  return { archive: first('archive'), labels: first('labels') };
}

/** @throws CcxriError `not-the-file`: what is served is no page; as `locate` */
async function askSource(work: SourceWork, signal: AbortSignal) {
  const warnings: string[] = [];
  const onEvent: EventListener = (event) => {
    if (event.event === 'warning') warnings.push(event.message);
  };
  try {
    const source = await openSource(work, signal, onEvent);
    const answers = await locateAll(source, work.files, signal);
    return { ...answers, kind: source.kind, warnings };
  } catch (error) {
    // A path that does not exist is wrong usage; something else than a page was served so.
    if (!isCcxriError(error, 'source-unusable') || urlOf(work.typed) === undefined) throw error;
    throw new CcxriError('not-the-file', error.message, { next: error.next, cause: error });
  }
}

async function openSource(
  { typed, pageUrl, manifest, client, clock }: SourceWork,
  signal: AbortSignal,
  onEvent: EventListener,
): Promise<Source> {
  const context: SourceContext = {
    manifest,
    pageUrl,
    loadPage: (url, pageSignal) => loadPageWith(client, url, { clock, signal: pageSignal }),
    loadStart: (url, startSignal) => loadStartWith(client, url, startSignal),
    signal,
    onEvent,
    pagePolicy: PAGE_POLICY,
    clock,
  };
  // Of one that was typed it is the first; the manifest's own addresses come first where none was.
  const [source] = await openSources(typed === undefined ? [] : [typed], context);
  if (source === undefined) throw new Error('no source was opened');
  return source;
}

/** @throws CcxriError what holds for the whole source */
async function locateAll(source: Source, files: readonly ManifestFile[], signal: AbortSignal) {
  const located: Located[] = [];
  const ambiguous: string[] = [];
  for (const file of files) {
    throwIfAborted(signal);
    try {
      const location = await source.locate(file, signal);
      if (location !== undefined) located.push({ file, location });
    } catch (error) {
      // It has this file, and does not say where.
      if (!isCcxriError(error) || error.facts.file === undefined) throw error;
      ambiguous.push(file.name);
    }
  }
  return { located, ambiguous };
}

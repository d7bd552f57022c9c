import { join, resolve } from 'node:path';
import { releaseOf } from '../dataset/kept-manifest.ts';
import { assertOfThisManifest } from '../dataset/other-manifest.ts';
import { withSession } from '../dataset/session.ts';
import { type FileSurvey, knownSizeOf, statusOf } from '../dataset/survey.ts';
import { CcxriError, type NextStep, isCcxriError } from '../errors.ts';
import { decideStep } from '../fetch/plan.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { pathKind, removeIfThere } from '../fs/paths.ts';
import { DEFAULT_PRODUCT, toUserAgent } from '../http/request-headers.ts';
import { type FoundFile, locateFiles, notFound } from '../links.ts';
import { compareArchives } from '../labels/join.ts';
import { stemOf } from '../manifest/manifest.ts';
import { sumSizes } from '../manifest/size.ts';
import { toBareUrl } from '../sources/address.ts';
import { toPrintable, toPrintableLink } from '../text.ts';
import { LIST_NAMES, NEEDS_NO_URL, renderList } from './formats.ts';
import { INSTRUCTIONS_NAME, commandsFor, renderInstructions } from './instructions.ts';
import type { HandoffFile, HandoffFormat, HandoffOptions, WrittenHandoff } from './types.ts';

/**
 * What is missing in a dataset directory, as lists for another machine or tool, with addresses as
 * `resolveLinks` finds them. Nothing in the directory is written, and no file is downloaded.
 * Lists of an earlier plan in `output` that are not written again are removed.
 * @throws CcxriError `source-unusable`, `no-link`: no named source can be used, and the list needs one;
 *   `other-manifest`; `usage`: several formats, and no `output`; of the disk; `aborted`
 */
export async function planHandoff(options: HandoffOptions): Promise<WrittenHandoff> {
  const { formats, output, manifest, dest } = options;
  if (formats.length > 1 && output === undefined) throw needsOutput();
  const surveys = await surveyMissing(options);
  const files = await withAddresses(surveys, options);
  const { dataset, version, homepage } = manifest;
  const userAgent = toUserAgent(options.userAgent ?? DEFAULT_PRODUCT, homepage);
  const facts = { release: releaseOf(manifest), dataset, version, userAgent };
  const texts = new Map(
    formats
      .map((format) => [format, renderList(format, files, facts)] as const)
      .filter(([, text]) => text !== ''),
  );
  const listed = files.length === 0 ? [] : [...texts.keys()];
  const commands = commandsFor(listed, files, facts);
  const size = sumSizes(files);
  const handoff = { formats, files, ...size, written: [], commands, next: [], texts };
  if (output === undefined) return handoff;
  if (files.length === 0) {
    await removeOlder(output, []);
    return handoff;
  }
  const next = [adoptionOf(output, dest)];
  const instructions = { commands, then: options.hintOf?.({ next }) };
  const text = renderInstructions(files, instructions, facts);
  return { ...handoff, next, written: await writeAll(output, texts, text) };
}

/** Whole paths: it is read later, and elsewhere. */
function adoptionOf(output: string, dest: string): NextStep {
  const purpose = 'to take what has come';
  const options = { dest: resolve(dest) };
  return { kind: 'run', command: 'adopt', argument: resolve(output), options, purpose };
}

function needsOutput(): CcxriError {
  return new CcxriError('usage', 'several lists need a directory to be written into', {
    next: [{ kind: 'option', option: 'output', value: 'DIR' }],
  });
}

/** In the order of index.csv, then label files. */
async function surveyMissing(options: HandoffOptions): Promise<readonly FileSurvey[]> {
  const { manifest, dest, signal, onEvent, clock, extract = true } = options;
  const selection = { files: options.files.map(({ name }) => name) };
  return withSession({ manifest, dest, selection, signal, onEvent, clock }, {}, async (session) => {
    const surveys = await session.survey();
    await assertOfThisManifest(surveys, session);
    const place = ({ file }: FileSurvey) => (file.kind === 'archive' ? 0 : 1);
    return surveys
      .filter((survey) => isMissing(survey, extract))
      .sort(
        (a, b) => place(a) - place(b) || compareArchives(stemOf(a.file.name), stemOf(b.file.name)),
      );
  });
}

/** What was found damaged has to come again, too; what is here and not checked yet may be right. */
function isMissing(survey: FileSurvey, extract: boolean): boolean {
  const { action } = decideStep(survey, { extract, deleteArchives: false });
  if (action === 'download' || action === 'resume') return true;
  return action === 'check' && statusOf(survey) === 'bad';
}

async function withAddresses(
  surveys: readonly FileSurvey[],
  options: HandoffOptions,
): Promise<readonly HandoffFile[]> {
  const asks = options.formats.some((format) => format !== 'md5sum');
  const found = asks && surveys.length > 0 ? await ask(surveys, options) : undefined;
  return surveys.map((survey, at): HandoffFile => {
    const { name: file, kind, md5, md5Disputed } = survey.file;
    const own = { file, kind, md5, md5Disputed: md5Disputed !== undefined, ...knownSizeOf(survey) };
    const known = found?.[at];
    if (known === undefined) return { ...own, urls: [], path: null, withheld: 0 };
    return { ...own, ...addressesOf(known, options) };
  });
}

/** Of JSON alone addresses are only a help: without them it says what is missing all the same. */
async function ask(
  surveys: readonly FileSurvey[],
  options: HandoffOptions,
): Promise<
  readonly (FoundFile | { readonly file: FileSurvey['file']; readonly error: CcxriError })[]
> {
  const files = surveys.map(({ file }) => file);
  try {
    return (await locateFiles(files, options)).found;
  } catch (error) {
    const isEnough = options.formats.every((format) => NEEDS_NO_URL.includes(format));
    if (!isEnough || !isCcxriError(error) || error.code === 'aborted') throw error;
    return files.map((file) => ({ file, error }));
  }
}

function addressesOf(
  found: FoundFile | { readonly file: FileSurvey['file']; readonly error: CcxriError },
  { withSecrets = false, manifest }: HandoffOptions,
): Pick<HandoffFile, 'urls' | 'path' | 'withheld' | 'error'> {
  if ('error' in found) return { urls: [], path: null, withheld: 0, error: found.error };
  const { file, answers } = found;
  const locations = answers.flatMap(({ location }) => location ?? []);
  const all = locations.flatMap((each) => (each.kind === 'url' ? [toBareUrl(each.url).href] : []));
  const urls = [...new Set(all)].filter((url) => withSecrets || toPrintableLink(url) === url);
  const withheld = new Set(all).size - urls.length;
  const path = locations.find((each) => each.kind === 'path');
  const place = {
    urls,
    path: path?.kind === 'path' ? toPrintable(path.path, 4096) : null,
    withheld,
  };
  if (urls.length > 0) return place;
  if (withheld > 0) return { ...place, error: isSigned(file.name) };
  if (path !== undefined) return { ...place, error: isLocal(file.name, place.path) };
  return { ...place, error: notFound(file, answers, manifest.homepage) };
}

function isSigned(file: string): CcxriError {
  const message = `the address of ${file} has a signature, token or key in it, and is not handed on`;
  const purpose = 'to hand it on: who has the list can use it';
  return new CcxriError('file-not-at-source', message, {
    file,
    next: [{ kind: 'option', option: 'with-secrets', purpose }],
  });
}

function isLocal(file: string, path: string | null): CcxriError {
  const message = `${file} has no address on the web: it is in a directory of this machine`;
  return new CcxriError('file-not-at-source', message, {
    file,
    path: path ?? undefined,
    next: [{ kind: 'option', option: 'source', value: 'URL' }],
  });
}

async function writeAll(
  output: string,
  texts: WrittenHandoff['texts'],
  instructions: string,
): Promise<readonly string[]> {
  const contents: readonly (readonly [string, string])[] = [
    ...[...texts].map(([format, text]): [string, string] => [LIST_NAMES[format], text]),
    [INSTRUCTIONS_NAME, instructions],
  ];
  const written: string[] = [];
  for (const [name, text] of contents) {
    const path = join(output, name);
    await writeFileAtomic(path, text);
    written.push(path);
  }
  await removeOlder(
    output,
    contents.map(([name]) => name),
  );
  return written;
}

/** Lists of an earlier plan name what may be here by now. Only files of the names that a plan writes. */
async function removeOlder(output: string, written: readonly string[]): Promise<void> {
  for (const name of [...Object.values(LIST_NAMES), INSTRUCTIONS_NAME]) {
    const path = join(output, name);
    if (!written.includes(name) && (await pathKind(path)) === 'file') await removeIfThere(path);
  }
}

/** What has no address, where the list needs one of each. */
export function unaddressed({
  files,
  formats,
}: Pick<WrittenHandoff, 'files' | 'formats'>): readonly CcxriError[] {
  if (formats.every((format: HandoffFormat) => NEEDS_NO_URL.includes(format))) return [];
  return files.flatMap(({ error }) => error ?? []);
}

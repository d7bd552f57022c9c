import type { ManifestFile } from '../manifest/schema.ts';
import { isSameAddress, isTemplate, toBareUrl, toFileUrl } from '../sources/base-url.ts';
import { readKeptLinks } from '../sources/kept-links.ts';
import type { FileSurvey } from '../dataset/survey.ts';

/** Where files are to come from, as far as it is known before anybody is asked. */
export interface SourcesTyped {
  readonly sources: readonly string[];
  /** `DatasetLayout.links` */
  readonly linksCache: string;
}

/**
 * A survey as it counts for a plan: a partial download that another server gave is of no use. What
 * nobody can know before the sources are asked counts as it would be the best.
 */
export async function withUsefulPart(
  survey: FileSurvey,
  { sources, linksCache }: SourcesTyped,
): Promise<FileSurvey> {
  const { file, partFrom } = survey;
  if (partFrom === null) return survey;
  if (file.url !== undefined && isSameAddress(file.url, partFrom)) return survey;
  for (const typed of sources) {
    if (mayLeadTo(partFrom, typed, file)) return survey;
    const page = /^https?:/i.test(typed) && URL.canParse(typed) ? toBareUrl(typed).href : undefined;
    const kept = page === undefined ? undefined : await readKeptLinks(linksCache, page);
    const url = kept?.files.find(({ name }) => name === file.name)?.url;
    if (url !== undefined && isSameAddress(url, partFrom)) return survey;
  }
  return { ...survey, partBytes: 0, partFrom: null };
}

/** By what was typed alone: a page or listing has the files of its own server. */
function mayLeadTo(from: string, typed: string, { name }: ManifestFile): boolean {
  // A saved page may link to anywhere; in a local directory nothing can be gone on with.
  if (!/^https?:/i.test(typed)) return /\.x?html?$/i.test(typed);
  if (!URL.canParse(typed) || !URL.canParse(from)) return false;
  if (isTemplate(typed)) return isSameAddress(toFileUrl(typed, name), from);
  return new URL(typed).host === new URL(from).host;
}

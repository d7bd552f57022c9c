import { readFile, stat } from 'node:fs/promises';
import * as z from 'zod';
import { whenFilesAreFree } from '../concurrency.ts';
import { errnoOf, toDiskError } from '../errors.ts';
import { writeFileAtomic } from '../fs/atomic.ts';

/** More than the links of any release take: a damaged file must not fill the memory. */
const MAX_BYTES = 16 * 1024 * 1024;
/** How many pages' links are kept: those read last. */
const MAX_PAGES = 20;

/**
 * The links read from a page earlier; undefined: none are kept, or the file is damaged.
 * @param path `DatasetLayout.links`
 * @param page the page's URL, without user and password
 */
export async function readKeptLinks(path: string, page: string): Promise<KeptPage | undefined> {
  return (await readPages(path)).find((kept) => kept.page === page);
}

/** Keeps the links of a page, in place of those read from it earlier. */
export async function keepLinks(path: string, page: KeptPage): Promise<void> {
  const others = (await readPages(path)).filter((kept) => kept.page !== page.page);
  const pages = [page, ...others].slice(0, MAX_PAGES);
  await writeFileAtomic(path, `${JSON.stringify({ linksVersion: 1, pages }, null, 2)}\n`);
}

/** None if the file is absent, truncated, or not of this form. */
async function readPages(path: string): Promise<readonly KeptPage[]> {
  try {
    const { size } = await stat(path);
    if (size > MAX_BYTES) return [];
    const text = await whenFilesAreFree(() => readFile(path, 'utf8'));
    return keptLinksSchema.safeParse(JSON.parse(text)).data?.pages ?? [];
  } catch (error) {
    const isAbsent = ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(errnoOf(error) ?? '');
    if (isAbsent || error instanceof SyntaxError) return [];
    throw toDiskError(error, 'read the kept links', { path });
  }
}

const keptPageSchema = z.strictObject({
  /** The page's URL, without user and password. */
  page: z.url({ protocol: /^https?$/ }),
  readAt: z.iso.datetime(),
  files: z.array(
    z.strictObject({
      name: z.string(),
      /** As in the manifest: the link of another release is of no use. */
      md5: z.string().regex(/^[0-9a-f]{32}$/),
      /** With its query: never printed. */
      url: z.url({ protocol: /^https?$/ }),
    }),
  ),
});

const keptLinksSchema = z.strictObject({
  linksVersion: z.literal(1),
  pages: z.array(keptPageSchema),
});

/** The links that a page had when it was last read. */
export type KeptPage = Readonly<z.infer<typeof keptPageSchema>>;

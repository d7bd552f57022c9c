import * as z from 'zod';
import { writeFileAtomic } from '../fs/atomic.ts';
import { readSmallJson } from '../fs/small-json.ts';

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
  const json = await readSmallJson(path, { maxBytes: MAX_BYTES, doing: 'read the kept links' });
  return keptLinksSchema.safeParse(json).data?.pages ?? [];
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

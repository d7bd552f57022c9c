import * as z from 'zod';

const keptPageSchema = z.strictObject({
  /** The page's URL, without user and password. */
  page: z.url({ protocol: /^https?$/ }),
  readAt: z.iso.datetime(),
  files: z.array(
    z.strictObject({
      name: z.string(),
      /** As the manifest had it: the link of another release is of no use. */
      md5: z.string().regex(/^[0-9a-f]{32}$/),
      /** With query: never printed. */
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

/** undefined: empty, half-written or of another form. */
export function parseKeptLinks(text: string): readonly KeptPage[] | undefined {
  try {
    return keptLinksSchema.safeParse(JSON.parse(text)).data?.pages;
  } catch {
    return undefined;
  }
}

import * as z from 'zod';

/** Any system's rules at once: no separators, no control characters, no leading dot, no drive. */
const FILE_NAME = /^[A-Za-z0-9_][A-Za-z0-9._ +-]{0,199}$/;
const SLUG = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
/** Names that Windows keeps for devices, with or without an extension, and blanks before that. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9]) *(?:\.|$)/i;

const webUrl = z
  .string()
  .refine(isWebUrl, 'must be an http or https URL without user and password');

const fileSchema = z
  .strictObject({
    name: z
      .string()
      .regex(FILE_NAME, 'must be a plain file name')
      .refine((name) => !DEVICE.test(name) && !/[. ]$/.test(name), 'is not a portable file name'),
    kind: z.enum(['archive', 'labels']),
    category: z.string().min(1).max(100),
    subsets: z
      .array(z.string().regex(SLUG, 'must be lower-case words joined by "-"'))
      .min(1)
      .refine(
        (subsets) => !subsets.includes('all'),
        'must not have "all": it always means every file',
      )
      .refine((subsets) => new Set(subsets).size === subsets.length, 'names a subset twice'),
    size: z
      .string()
      .regex(/^[1-9][0-9]{0,5}(?:K|MB|GB)$/, 'must be a whole number with K, MB or GB'),
    md5: z
      .string()
      .trim()
      .toLowerCase()
      .regex(/^[0-9a-f]{32}$/, 'must be 32 hexadecimal digits'),
    bytes: z.int().nonnegative().optional(),
    url: webUrl.optional(),
    md5Disputed: z.string().min(1).optional(),
  })
  .refine((file) => file.kind !== 'archive' || /^.+\.zip$/i.test(file.name), {
    path: ['name'],
    error: 'of an archive must end in .zip',
  });

const counted = { images: z.int().nonnegative() };

const countsSchema = z.strictObject({
  subset: z.string().regex(SLUG, 'must be lower-case words joined by "-"'),
  ...counted,
  about: z.boolean().optional(),
  labels: z.array(z.strictObject({ label: z.string().min(1).max(100), ...counted })).optional(),
  countedIn: z.int().positive().optional(),
  source: z.string().min(1).max(500),
});

/** What a manifest has to be: the form of `Manifest`. */
export const manifestSchema = z.strictObject({
  manifestVersion: z.literal(1),
  dataset: z.string().min(1).max(100),
  version: z.string().min(1).max(50),
  released: z.iso.date('must be a date, as 2021-03-21'),
  homepage: webUrl,
  citation: z.string().max(2000),
  bibtex: z.string().max(4000).optional(),
  counts: z.array(countsSchema).max(1000).optional(),
  files: z
    .array(fileSchema)
    .min(1)
    .superRefine((files, context) => {
      const names = new Map<string, string>();
      const urls = new Map<string, string>();
      for (const [index, file] of files.entries()) {
        // Case folded, and without `.zip`: images/ has one folder a stem, on any file system.
        const key = file.name.toLowerCase().replace(/\.zip$/, '');
        const first = names.get(key);
        if (first !== undefined) {
          context.addIssue({
            code: 'custom',
            path: [index, 'name'],
            message: `clashes with an earlier file, ${first}`,
          });
        }
        names.set(key, file.name);
        if (file.url === undefined) continue;
        const md5 = urls.get(file.url);
        if (md5 !== undefined && md5 !== file.md5) {
          context.addIssue({
            code: 'custom',
            path: [index, 'url'],
            message: 'is that of another file, which has another MD5',
          });
        }
        urls.set(file.url, file.md5);
      }
    }),
});

/** Every key of the form: what an unknown one may have meant. */
export const MANIFEST_KEYS: readonly string[] = Object.keys(manifestSchema.shape);
export const FILE_KEYS: readonly string[] = Object.keys(fileSchema.shape);

function isWebUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === '';
}

/** One thing that is wrong with a manifest. */
export type ManifestIssue = z.core.$ZodIssue;

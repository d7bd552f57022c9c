import { join } from 'node:path';
import type { RunOptions } from '../dataset/session.ts';
import { writeFileAtomic } from '../fs/atomic.ts';
import { indexRows, openIndexSource } from '../labels/build-index.ts';
import type { IndexRow } from '../labels/join.ts';
import { LABEL_COLUMNS } from '../labels/label-names.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { count } from '../text.ts';

/**
 * Writes contact-sheet.html beside the index: all images with their labels, by class, as the index has
 * them. For datasets as small as the demo's: it is made in memory.
 * @returns its path
 * @throws CcxriError as `openIndexSource`; of the disk; `aborted`
 */
export async function writeContactSheet(
  options: Pick<RunOptions, 'dest' | 'signal'> & { readonly manifest: Manifest },
): Promise<string> {
  const { manifest, dest, signal } = options;
  const rows: IndexRow[] = [];
  for await (const batch of indexRows(await openIndexSource(options), signal)) {
    rows.push(...batch.rows);
  }
  const path = join(dest, 'contact-sheet.html');
  await writeFileAtomic(path, renderContactSheet(manifest, rows), { signal });
  return path;
}

/** A page of its own: no scripts, nothing from elsewhere; images by their paths from the index. */
export function renderContactSheet(
  { dataset, citation }: Readonly<Record<'dataset' | 'citation', string>>,
  rows: readonly IndexRow[],
): string {
  const groups = new Map<string, IndexRow[]>();
  for (const row of rows) {
    const group = groupOf(row);
    groups.set(group, [...(groups.get(group) ?? []), row]);
  }
  const title = escape(dataset);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
:root { color-scheme: light dark; --soft: color-mix(in srgb, CanvasText 65%, Canvas); }
body { font: 15px/1.4 system-ui, sans-serif; max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { font-weight: 600; line-height: 1.2; }
h1 { margin-bottom: 0; }
h2 { margin: 2.5rem 0 0.75rem; font-size: 1.25rem; }
h2 small, p, figcaption small { color: var(--soft); font-weight: 400; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem; }
figure { margin: 0; }
img { width: 100%; aspect-ratio: 1; object-fit: contain; background: #000; border-radius: 4px; display: block; }
figcaption { margin-top: 0.35rem; overflow-wrap: anywhere; }
figcaption small { display: block; font-size: 0.75rem; }
</style>
</head>
<body>
<h1>${title}</h1>
<p>${count(rows.length, 'image')} with the labels of <a href="index.csv">index.csv</a>. ${escape(citation)}</p>
${[...groups].map(renderGroup).join('\n')}
</body>
</html>
`;
}

/** Its class; images without one have labels, and are shown by subset. */
function groupOf({ class: name, subset }: IndexRow): string {
  return name ?? subset;
}

function renderGroup([name, rows]: readonly [string, readonly IndexRow[]]): string {
  const figures = rows.map(renderFigure).join('\n');
  return `<h2>${escape(name)} <small>${count(rows.length, 'image')}</small></h2>
<div class="sheet">
${figures}
</div>`;
}

function renderFigure(row: IndexRow): string {
  const labels = escape(labelsOf(row));
  const address = row.path.split('/').map(encodeURIComponent).join('/');
  return `<figure><a href="${escape(address)}"><img src="${escape(address)}" alt="${labels}" loading="lazy"></a>
<figcaption>${labels}<small>${escape(row.image)}</small></figcaption></figure>`;
}

function labelsOf({ class: name, labels }: IndexRow): string {
  if (name !== null) return name;
  if (labels === null) return 'labels not known';
  const here = LABEL_COLUMNS.filter((_, bit) => (labels & (1 << bit)) !== 0);
  return here.join(', ').replaceAll('_', ' ');
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.codePointAt(0)};`);
}

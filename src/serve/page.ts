import type { Manifest, ManifestFile } from '../manifest/manifest.ts';
import { count, escapeHtml } from '../text.ts';

/**
 * The page at the root, in the form of the dataset's: a table of the files that can be had now, so that any
 * ccxri takes its address as a source. Nothing of the request stands on it.
 * @param here some of `selected`
 */
export function renderPage(
  { dataset, version, released }: Manifest,
  here: readonly ManifestFile[],
  selected: readonly ManifestFile[],
): string {
  const title = escapeHtml(`${dataset} ${version}`);
  const some = `${here.length} of ${count(selected.length, 'file')}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${title}</title>
<style>body{font-family:sans-serif;margin:2em}td,th{padding:.2em .8em;text-align:left}</style>
</head>
<body>
<h1>${title}</h1>
<p>Published: ${escapeHtml(released)}. Here: ${some}, each with a receipt that it has passed its check.</p>
<p>With the address of this page: <code>ccxri fetch --subset NAME --source ADDRESS</code></p>
<h2>Experiment data files</h2>
${renderFileTable(here)}</body>
</html>
`;
}

/**
 * One row a file: the category spanning its rows, size and MD5 as published, and a link that says only
 * "download". Links are relative: the files lie beside the page.
 */
export function renderFileTable(files: readonly ManifestFile[]): string {
  let category: string | undefined;
  const rows = files.map((file) => {
    const isFirst = file.kind === 'labels' || file.category !== category;
    category = file.category;
    return renderRow(file, isFirst ? spanOf(file, files) : 0);
  });
  return `<table>
<thead><tr><th>Category</th><th>File</th><th>Size</th><th>MD5 summary</th><th>Link</th></tr></thead>
<tbody>
${rows.join('')}</tbody>
</table>
`;
}

/** A label file has an empty cell of its own where archives share their category's. */
function spanOf({ kind, category }: ManifestFile, files: readonly ManifestFile[]): number {
  return kind === 'labels' ? 1 : files.filter((file) => file.category === category).length;
}

function renderRow(file: ManifestFile, span: number): string {
  const category = file.kind === 'labels' ? '' : escapeHtml(file.category);
  const first = span === 0 ? '' : `<td rowspan="${span}">${category}</td>`;
  const link = `<a href="${escapeHtml(encodeURI(file.name))}">download</a>`;
  const cells = [escapeHtml(file.name), file.size, file.md5, link];
  return `<tr>${first}${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>\n`;
}

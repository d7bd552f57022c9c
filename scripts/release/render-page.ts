import type { Manifest, ManifestFile } from '../../src/manifest/manifest.ts';

/**
 * The landing page of a release, in the form of the dataset's: one table with a row a file, the
 * category spanning its rows, size, MD5, and a link that says only "download". Links are relative:
 * the files lie beside the page.
 */
export function renderPage(manifest: Manifest): string {
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escapeHtml(manifest.dataset)}</title>
</head>
<body>
<h1>${escapeHtml(manifest.dataset)}</h1>
<p>Published: ${manifest.released} | Version: ${escapeHtml(manifest.version)}</p>
<h2>Description of this dataset</h2>
<p>${escapeHtml(manifest.citation)}</p>
<p>See also <a href="https://example.org/paper">the paper</a> and
<a href="https://example.org/code.zip">its code</a>, which are not part of the data.</p>
<h2>Experiment data files</h2>
<table>
<thead><tr><th>Category</th><th>File</th><th>Size</th><th>MD5 summary</th><th>Link</th></tr></thead>
<tbody>
${renderRows(manifest.files)}</tbody>
</table>
<h2>Change log</h2>
<p>Version ${escapeHtml(manifest.version)}, released ${manifest.released}.</p>
</body>
</html>
`;
}

function renderRows(files: readonly ManifestFile[]): string {
  let category: string | undefined;
  return files
    .map((file) => {
      const isFirst = file.kind === 'labels' || file.category !== category;
      category = file.category;
      return renderRow(file, isFirst ? spanOf(file, files) : 0);
    })
    .join('');
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

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);
}

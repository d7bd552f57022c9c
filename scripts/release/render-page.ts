import type { Manifest } from '../../src/manifest/manifest.ts';
import { renderFileTable } from '../../src/serve/page.ts';
import { escapeHtml } from '../../src/text.ts';

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
${renderFileTable(manifest.files)}<h2>Change log</h2>
<p>Version ${escapeHtml(manifest.version)}, released ${manifest.released}.</p>
</body>
</html>
`;
}

import fc from 'fast-check';
import { release } from '../sources/support.ts';

/** A page made of whole rows, in a form that leaves no doubt which link is whose. */
export interface BuiltPage {
  readonly form: 'table' | 'loose table' | 'list' | 'divs' | 'lines';
  /** Of the release, in the order of the page. */
  readonly files: readonly number[];
  /** Whether the link stands before the MD5; within a page always or never. */
  readonly linkFirst: boolean;
  readonly cells: readonly ('size' | 'category' | 'name' | 'note' | 'empty')[];
  readonly upperCase: boolean;
  readonly dressing: 'none' | 'bold' | 'wbr' | 'code';
  /** Another link of the same words, on the same side of the MD5, further away from it. */
  readonly hasSecondLink: boolean;
  readonly around: readonly string[];
  readonly seed: number;
}

/** What has nothing to do with the files, and must not be taken for something that has. */
const AROUND = [
  '<p>See <a href="https://example.org/paper">the paper</a>.</p>',
  '<nav><a href="/">Home</a> <a href="#top">Top</a> <a href="mailto:a@b.test">Mail</a></nav>',
  '<script>var md5 = "x"; document.write("<a href=evil>download</a>")</script>',
  '<!-- <a href="old.zip">download</a> -->',
  '<h2>Experiment data files</h2>',
  '<p>1.2 GB in all &amp; more, 573MB each</p>',
  '<template><a href="t.zip">download</a></template>',
];

export const builtPages: fc.Arbitrary<BuiltPage> = fc.record({
  form: fc.constantFrom('table', 'loose table', 'list', 'divs', 'lines'),
  files: fc.shuffledSubarray(
    release.files.map((_, i) => i),
    { minLength: 1 },
  ),
  linkFirst: fc.boolean(),
  cells: fc.shuffledSubarray(['size', 'name', 'note', 'empty']),
  upperCase: fc.boolean(),
  dressing: fc.constantFrom('none', 'bold', 'wbr', 'code'),
  hasSecondLink: fc.boolean(),
  around: fc.shuffledSubarray(AROUND, { maxLength: 3 }),
  seed: fc.nat(1e6),
});

/** The page, and which links must be found. */
export function renderBuilt(page: BuiltPage): {
  readonly html: string;
  readonly links: Readonly<Record<string, string>>;
} {
  const rows = page.files.map((index) => renderRow(page, index));
  const [before = '', ...behind] = page.around;
  const links = page.files.map((index) => [
    release.files[index]?.name ?? '',
    `https://h.test/data/d?id=${page.seed + index}`,
  ]);
  return {
    html: `<!doctype html><title>t</title>${before}${frame(page.form, rows)}${behind.join('')}`,
    links: Object.fromEntries(links) as Readonly<Record<string, string>>,
  };
}

function frame(form: BuiltPage['form'], rows: readonly string[]): string {
  switch (form) {
    case 'table':
      return `<table><tbody>${rows.map((row) => `<tr>${row}</tr>`).join('\n')}</tbody></table>`;
    case 'loose table':
      return `<table>${rows.map((row) => `<tr>${row.replaceAll('</td>', '')}`).join('')}</table>`;
    case 'list':
      return `<ul>${rows.map((row) => `<li>${toText(row)}</li>`).join('')}</ul>`;
    case 'divs':
      return rows.map((row) => `<div class="row">${row.replaceAll('td>', 'div>')}</div>`).join('');
    case 'lines':
      return `<p>${rows.map((row) => `${toText(row)}<br>`).join('\n')}</p>`;
  }
}

function toText(row: string): string {
  return row.replaceAll('<td>', ' ').replaceAll('</td>', ' ');
}

/** With its category, for an MD5 may stand for two files. */
function renderRow(page: BuiltPage, index: number): string {
  const file = release.files[index];
  if (file === undefined) throw new Error('no such file');
  const md5 = dress(page.upperCase ? file.md5.toUpperCase() : file.md5, page.dressing);
  const link = `<a href="d?id=${page.seed + index}">download</a>`;
  const texts = { size: file.size, name: file.name, note: 'a note', category: '', empty: '' };
  const second = page.hasSecondLink ? [link.replace('"d?', '"mirror?'), 'or'] : [];
  const pair = page.linkFirst ? [...second, link, md5] : [md5, link, ...second.reverse()];
  const cells = [file.category, file.size, ...page.cells.map((cell) => texts[cell]), ...pair];
  return cells.map((cell) => `<td>${cell}</td>`).join('');
}

function dress(md5: string, dressing: BuiltPage['dressing']): string {
  switch (dressing) {
    case 'bold':
      return `<b>${md5.slice(0, 5)}</b>${md5.slice(5)}`;
    case 'wbr':
      return `${md5.slice(0, 16)}<wbr>${md5.slice(16)}`;
    case 'code':
      return ` <code>${md5}</code> `;
    case 'none':
      return md5;
  }
}

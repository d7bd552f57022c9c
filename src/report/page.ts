import { createHash } from 'node:crypto';
import { count, toPrintable } from '../text.ts';
import { renderAudit } from './audit-section.ts';
import { renderFindings, renderSplits, renderTogether } from './finding-sections.ts';
import { Html, markup } from './html.ts';
import { renderHere, renderPatients, renderSizes } from './image-sections.ts';
import type { ReportData, Section } from './section.ts';
import { renderSheet } from './sheet-section.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** The page: one file, which asks for nothing. */
export function renderPage(data: ReportData): string {
  const sections = [
    renderHere(data),
    renderFindings(data),
    ...renderSplits(data),
    ...renderTogether(data),
    renderPatients(data),
    ...renderSizes(data),
    renderAudit(data),
    ...renderSheet(data),
  ];
  return renderDocument(data, sections).text;
}

function renderDocument(data: ReportData, sections: readonly Section[]): Html {
  const { manifest, stats, ccxriVersion, isSelection, madeAt } = data;
  const title = `${toPrintable(manifest.dataset)} ${toPrintable(manifest.version)}`;
  const links = sections.map(
    ({ id, title: text }) => markup`<li><a href="#${id}">${text}</a></li>\n`,
  );
  const about = `${count(stats.images, 'image')} of ${count(stats.patients, 'patient')}`;
  return markup`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="generator" content="ccxri ${ccxriVersion}" />
        <meta http-equiv="Content-Security-Policy" content="${policy()}" />
        <title>${title}: ${about}</title>
        <style>${new Html(STYLE)}</style>
      </head>
      <body>
        <a class="skip" href="#main">Skip to the report</a>
        <header>
          <p class="eyebrow">
            Report${isSelection ? ' on a selection' : ''}, ${madeAt.toISOString().slice(0, 10)}
          </p>
          <h1>${title}</h1>
          <p>${about}, as they are in this dataset directory.</p>
          <nav aria-label="Parts of this report">
            <ul>
              ${links}
            </ul>
          </nav>
        </header>
        <main id="main" tabindex="-1">${sections.map(renderSection)}</main>
        <footer>
          <p>
            Written by ccxri ${ccxriVersion} from the images and label files alone; no network was
            asked. ${toPrintable(manifest.citation, 2000)}
          </p>
        </footer>
        <script>${new Html(SCRIPT)}</script>
      </body>
    </html>
`;
}

function renderSection({ id, title, body }: Section): Html {
  return markup`<section aria-labelledby="${id}">
    <h2 id="${id}">${title}</h2>
    ${body}
  </section>
`;
}

/** Nothing is loaded but images beside the report; no script runs but its own. */
function policy(): string {
  const hash = createHash('sha256').update(SCRIPT).digest('base64');
  return `default-src 'none'; img-src 'self' data: file:; style-src 'unsafe-inline'; script-src 'sha256-${hash}'`;
}

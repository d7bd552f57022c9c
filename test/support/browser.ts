import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, type Page, chromium } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';

const PROGRAM = '/usr/bin/chromium';

export const hasChromium = spawnSync(PROGRAM, ['--version']).status === 0;
if (!hasChromium) {
  console.warn('SKIPPED: chromium is not here (apt-get install chromium); no report is opened');
}

export interface OpenedPage {
  readonly page: Page;
  /** Addresses that were asked for, the page's own among them. */
  readonly requests: readonly string[];
  /** What the page has said: errors of scripts, and what its policy has blocked. */
  readonly said: readonly string[];
}

/** Opens files in Debian's Chromium, which is started once for a test file. */
export function useBrowser() {
  let browser: Browser | undefined;
  beforeAll(async () => {
    browser = await chromium.launch({ executablePath: PROGRAM, args: ['--no-sandbox'] });
  });
  afterAll(async () => {
    await browser?.close();
  });
  return async (path: string, options: BrowserContextOptions = {}): Promise<OpenedPage> => {
    if (browser === undefined) throw new Error('Chromium has not been started');
    const page = await browser.newPage(options);
    const requests: string[] = [];
    const said: string[] = [];
    page.on('request', (request) => requests.push(request.url()));
    page.on('console', (message) => said.push(message.text()));
    page.on('pageerror', (error) => said.push(String(error)));
    await page.goto(pathToFileURL(path).href);
    return { page, requests, said };
  };
}

/** The texts of a table's body, by the table's name. */
export async function cellsOf(page: Page, name: string): Promise<readonly (readonly string[])[]> {
  const rows = await page.getByRole('table', { name, exact: true }).locator('tbody tr').all();
  return Promise.all(rows.map((row) => row.locator('th, td').allInnerTexts()));
}

/** What axe-core finds wrong with a page, a line each. */
export async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  return page.evaluate<string[]>(
    `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ': ' + failureSummary)))`,
  );
}

import { isAddress } from './page-attributes.ts';
import { tokensOf, unquote } from './page-tokens.ts';
import type { PageAnchor, PageElement, PageText } from './page-tree.ts';

/** More strings and brackets than the data of any page with a table of files. */
export const MAX_TOKENS = 300_000;
const MAX_DEPTH = 512;
/** Of a text beside an MD5: a name, a size, a category. */
const MAX_TEXT = 300;

/**
 * The data in a script, or in JSON, as the content of elements: each object and list is one, each string
 * a text or a link in it. The script is not run.
 * @param start position in the page
 * @param limit how many strings and brackets are read
 */
export function readScript(
  script: string,
  parent: PageElement,
  start = 0,
  limit = MAX_TOKENS,
): { readonly texts: PageText[]; readonly anchors: PageAnchor[]; readonly end: number } {
  const texts: PageText[] = [];
  const anchors: PageAnchor[] = [];
  let position = start;
  const open = [parent];
  for (const token of tokensOf(script)) {
    if (position - start >= limit) break;
    position += 1;
    const around = open.at(-1) ?? parent;
    const element: PageElement = {
      tag: token.slice(0, 1),
      parent: around,
      start: position,
      end: position,
    };
    if (token === '{' || token === '[') {
      if (open.length > MAX_DEPTH) break;
      open.push(element);
    } else if (token === '}' || token === ']') {
      if (open.length > 1) open.pop();
      around.end = Math.max(around.end, position);
    } else {
      const value = unquote(token);
      // A bare name is the name of the file: where it lies is said elsewhere, or not at all.
      if (isAddress(value) === 'address') {
        anchors.push({ position, element, href: value, saveAs: undefined, isGuess: false });
      }
      if (value.length <= MAX_TEXT) texts.push({ position, element, value });
    }
  }
  for (const element of open) element.end = position;
  return { texts, anchors, end: position };
}

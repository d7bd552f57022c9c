/**
 * Exchanges in which ccxri does not do as well as is wanted, by their names or titles, with the reason. It must
 * end with a code all the same. Those that do better now are to be taken from the list.
 */
const ANEW = 'a whole file where a part was asked for begins anew';

const GAPS: Readonly<Record<string, string>> = {
  'ranges ignored by one of 2 nodes, 2 MB, each answer cut': ANEW,
  'ranges ignored by one of 3 nodes, 2 MB, each answer cut': ANEW,
  'ranges ignored once, 2 MB, each answer cut': ANEW,
  '#43 Content-Range: bytes a-b, no total': 'read as no Content-Range at all',
  '206 that says a byte more than it holds': 'the part is not taken, for its length is another',
  '#194 a header of 20 KB': 'longer than its parser reads (case 21)',
  '#194 chunk lines that end by LF alone': 'the lenient parser loses bytes, and the MD5 shows it',
  '#185 the file as text/html, 24 MB, each answer cut': 'a part of that type is asked for again',
};

/** @param title of a variant */
export function gapOf(title: string): string | undefined {
  const found = Object.entries(GAPS).find(
    ([name]) => title === name || title.startsWith(`${name}, `),
  );
  return found?.[1];
}

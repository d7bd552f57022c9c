/**
 * Exchanges in which ccxri does not do as well as is wanted, by their names or titles, with the reason. It must
 * end with a code all the same. Those that do better now are to be taken from the list.
 */
const GAPS: Readonly<Record<string, string>> = {
  '#7 two different lengths': 'refused on purpose: which of them is meant can not be known',
};

/** @param title of a variant */
export function gapOf(title: string): string | undefined {
  const found = Object.entries(GAPS).find(
    ([name]) => title === name || title.startsWith(`${name}, `),
  );
  return found?.[1];
}

/** Something with its place in the order of a page. */
export interface Placed {
  readonly position: number;
}

/** The items of a list sorted by position that lie between two positions, both included. */
export function between<Item extends Placed>(
  items: readonly Item[],
  from: number,
  to: number,
): readonly Item[] {
  return items.slice(...boundsOf(items, from, to));
}

/** As `between`, without making the list. */
export function countBetween(items: readonly Placed[], from: number, to: number): number {
  const [first, end] = boundsOf(items, from, to);
  return end - first;
}

function boundsOf(items: readonly Placed[], from: number, to: number): [number, number] {
  const positionOf = (item: Placed) => item.position;
  return [countBelow(items, positionOf, from), countBelow(items, positionOf, to + 1)];
}

/** How many items of a list sorted by a key have a lesser one: by halves, for pages may be long. */
export function countBelow<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => number,
  limit: number,
): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && keyOf(item) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

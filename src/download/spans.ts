/** Bytes of a file: from the first number to before the second. */
export type Span = readonly [from: number, to: number];

/** Ascending, none empty, and with a gap between any two. */
export type Spans = readonly Span[];

/** Spans that touch or overlap become one. */
export function addSpan(spans: Spans, [from, to]: Span): Spans {
  if (to <= from) return spans;
  const before = spans.filter((each) => each[1] < from);
  const behind = spans.filter((each) => each[0] > to);
  const touched = spans.slice(before.length, spans.length - behind.length);
  const merged: Span = [
    Math.min(from, touched[0]?.[0] ?? from),
    Math.max(to, touched.at(-1)?.[1] ?? to),
  ];
  return [...before, merged, ...behind];
}

/** Bytes in all. */
export function bytesOf(spans: Spans): number {
  return spans.reduce((sum, [from, to]) => sum + to - from, 0);
}

/** Length of the contiguous prefix. */
export function prefixOf(spans: Spans): number {
  const [first] = spans;
  return first?.[0] === 0 ? first[1] : 0;
}

/** What is missing of this many bytes. */
export function gapsOf(spans: Spans, totalBytes: number): Spans {
  const edges: Spans = [...spans, [totalBytes, totalBytes]];
  let at = 0;
  const gaps: Span[] = [];
  for (const [from, to] of edges) {
    if (from > at) gaps.push([at, Math.min(from, totalBytes)]);
    at = to;
  }
  return gaps;
}

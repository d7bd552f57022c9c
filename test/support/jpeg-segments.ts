/** A segment of a JPEG, read by the standard's rules (T.81, annex B). */
interface Segment {
  readonly marker: number;
  readonly content: Buffer;
}

/**
 * Takes a JPEG apart: its segments up to the scan, the restart markers within the scan, and whatever
 * is not as it should be.
 * @throws Error where it is no JPEG by form
 */
export function readSegments(jpeg: Buffer) {
  if (jpeg.readUInt16BE(0) !== 0xffd8) throw new Error('no SOI');
  const segments: Segment[] = [];
  let at = 2;
  let marker = 0;
  while (marker !== 0xda) {
    if (jpeg[at] !== 0xff) throw new Error(`no marker at ${at}`);
    marker = jpeg[at + 1] ?? 0;
    const length = jpeg.readUInt16BE(at + 2);
    segments.push({ marker, content: jpeg.subarray(at + 4, at + 2 + length) });
    at += 2 + length;
  }
  const restarts: number[] = [];
  for (; ; at += 1) {
    if (at >= jpeg.length) throw new Error('no EOI');
    if (jpeg[at] !== 0xff) continue;
    const code = jpeg[at + 1] ?? 0;
    if (code >= 0xd0 && code <= 0xd7) restarts.push(code - 0xd0);
    else if (code === 0xd9) break;
    else if (code !== 0) throw new Error(`marker ${code.toString(16)} within the scan`);
  }
  return { segments, restarts, trailing: jpeg.length - at - 2 };
}

/** Width and height by the frame header. */
export function sizeOfJpeg(jpeg: Buffer): readonly [number, number] {
  const frame = readSegments(jpeg).segments.find(({ marker }) => marker === 0xc0);
  if (frame === undefined) throw new Error('no baseline frame');
  return [frame.content.readUInt16BE(3), frame.content.readUInt16BE(1)];
}

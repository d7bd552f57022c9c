import { ZIGZAG } from './jpeg-tables.ts';

// Arai, Agui and Nakajima's forward DCT: 5 multiplications for 8 samples, each output scaled by a
// known factor, which goes into the quantisation. The constants are written out, not computed:
// Math.cos may differ in its last digit from engine to engine, and the bytes of a seed must not.
const C2 = 1.3065629648763766;
const C4 = 0.7071067811865476;
const C6 = 0.5411961001461971;
const S6 = 0.3826834323650898;

/** Factor by which AAN's output k is too large: cos(k * pi / 16) * sqrt(2), and 1 for k = 0. */
const AAN_SCALE: readonly number[] = [
  1, 1.3870398453221475, 1.3065629648763766, 1.1758756024193588, 1, 0.7856949583871022,
  0.5411961001461971, 0.2758993792829431,
];

/** In zigzag order: what to multiply AAN's output with to get the quantised coefficient. */
export function toDivisors(quantisation: readonly number[]): Float64Array {
  return Float64Array.from(ZIGZAG, (place) => {
    const scale = (AAN_SCALE[place >> 3] ?? 1) * (AAN_SCALE[place & 7] ?? 1) * 8;
    return 1 / (scale * (quantisation[place] ?? 1));
  });
}

/** Transforms an 8 x 8 block of samples (less 128) in place; outputs carry AAN's scale. */
export function forwardDct(block: Float64Array): void {
  for (let row = 0; row < 64; row += 8) transform(block, row, 1);
  for (let column = 0; column < 8; column += 1) transform(block, column, 8);
}

/** Eight samples, `step` apart. Called 16 times a block: no closures and no arrays in here. */
function transform(block: Float64Array, start: number, step: number): void {
  const x0 = block[start] ?? 0;
  const x1 = block[start + step] ?? 0;
  const x2 = block[start + 2 * step] ?? 0;
  const x3 = block[start + 3 * step] ?? 0;
  const x4 = block[start + 4 * step] ?? 0;
  const x5 = block[start + 5 * step] ?? 0;
  const x6 = block[start + 6 * step] ?? 0;
  const x7 = block[start + 7 * step] ?? 0;

  const even0 = x0 + x7 + (x3 + x4);
  const even1 = x1 + x6 + (x2 + x5);
  const even2 = x1 + x6 - (x2 + x5);
  const even3 = x0 + x7 - (x3 + x4);
  const z1 = (even2 + even3) * C4;
  block[start] = even0 + even1;
  block[start + 4 * step] = even0 - even1;
  block[start + 2 * step] = even3 + z1;
  block[start + 6 * step] = even3 - z1;

  const odd0 = x3 - x4 + (x2 - x5);
  const odd1 = x2 - x5 + (x1 - x6);
  const odd2 = x1 - x6 + (x0 - x7);
  const z5 = (odd0 - odd2) * S6;
  const z2 = C6 * odd0 + z5;
  const z4 = C2 * odd2 + z5;
  const high = x0 - x7 + odd1 * C4;
  const low = x0 - x7 - odd1 * C4;
  block[start + 5 * step] = low + z2;
  block[start + 3 * step] = low - z2;
  block[start + step] = high + z4;
  block[start + 7 * step] = high - z4;
}

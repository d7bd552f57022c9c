import { Canvas } from './canvas.ts';
import { drawSign, type Sign } from './draw-signs.ts';
import type { GrayImage } from './gray-image.ts';
import { writeLabel } from './letters.ts';
import { createRandom, type Random } from './random.ts';

/** What a made-up radiograph shows. */
export interface ChestFacts {
  /** Width and height in pixels. */
  readonly size: number;
  /** The same patient has the same chest in every picture. */
  readonly patient: string;
  /** Tells pictures of a patient apart: signs and grain. */
  readonly image: string;
  readonly signs: readonly Sign[];
}

/** Drawn into every picture, and told again in its comment. */
export const MADE_UP = 'MADE UP';

const SIDES = [-1, 1] as const;

/** Draws something like a chest radiograph, from the seeds alone: there is no patient behind it. */
export function drawChest({ size, patient, image, signs }: ChestFacts): GrayImage {
  const canvas = new Canvas(size, 14);
  drawAnatomy(canvas, createRandom(`patient ${patient}`));
  const random = createRandom(`signs ${image}`);
  for (const sign of signs) drawSign(canvas, sign, random);
  canvas.noise(createRandom(`grain ${image}`), 9, 7);
  writeLabel(canvas, MADE_UP);
  return canvas.toImage();
}

function drawAnatomy(canvas: Canvas, random: Random): void {
  const wide = random.between(0.92, 1.06);
  const high = random.between(0.92, 1.08);
  canvas.ellipse({ x: 0, y: 0.25, rx: 1.04 * wide, ry: 1.28, amount: 128, soft: 0.14 });
  canvas.ellipse({ x: 0, y: -0.95, rx: 0.3, ry: 0.4, amount: 40, soft: 0.5 });
  for (const side of SIDES) drawLung(canvas, side, wide, high);
  drawMiddle(canvas, random);
  for (const side of SIDES) drawBones(canvas, side, wide, random);
}

function drawLung(canvas: Canvas, side: number, wide: number, high: number): void {
  const x = side * 0.43 * wide;
  canvas.ellipse({ x, y: -0.08, rx: 0.33 * wide, ry: 0.68 * high, amount: -66, soft: 0.3 });
  canvas.ellipse({ x: side * 0.36, y: -0.35, rx: 0.24, ry: 0.36, amount: -18, soft: 0.7 });
  // The liver's side stands a little higher.
  const dome = side < 0 ? 0.86 : 0.92;
  canvas.ellipse({ x, y: dome, rx: 0.48, ry: 0.42, amount: 52, soft: 0.2 });
  // Vessels fade from the middle outwards.
  canvas.ellipse({ x: side * 0.22, y: 0.02, rx: 0.18, ry: 0.26, amount: 30, soft: 0.9 });
}

function drawMiddle(canvas: Canvas, random: Random): void {
  canvas.ellipse({ x: 0, y: 0, rx: 0.17, ry: 1.4, amount: 42, soft: 0.5 });
  const size = random.between(0.9, 1.1);
  canvas.ellipse({ x: 0.14, y: 0.36, rx: 0.32 * size, ry: 0.27 * size, amount: 52, soft: 0.2 });
  canvas.ellipse({ x: 0.06, y: -0.18, rx: 0.17, ry: 0.24, amount: 26, soft: 0.5 });
  for (let y = -0.9; y < 0.9; y += 0.15) {
    canvas.ellipse({ x: 0, y, rx: 0.08, ry: 0.05, amount: 14, soft: 0.4 });
  }
  // The windpipe is air.
  canvas.ellipse({ x: 0, y: -0.6, rx: 0.05, ry: 0.4, amount: -34, soft: 0.6 });
}

function drawBones(canvas: Canvas, side: number, wide: number, random: Random): void {
  const slope = random.between(0.16, 0.26);
  for (let rib = 0; rib < 9; rib += 1) {
    const y = -0.72 + rib * 0.155;
    const reach = 0.5 + 0.27 * Math.sqrt(Math.min(1, rib / 4));
    const [fromX, toX] = [side * 0.1, side * reach * wide];
    canvas.stripe({ fromX, toX, y, slope: -slope, bend: 0.62, half: 0.036, amount: 24 });
  }
  canvas.stripe({
    fromX: side * 0.08,
    toX: side * 0.82,
    y: -0.66,
    slope: -random.between(0.12, 0.2),
    bend: 0,
    half: 0.05,
    amount: 40,
  });
}

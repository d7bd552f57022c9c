import type { Canvas, Ellipse } from './canvas.ts';
import type { Random } from './random.ts';
import type { ChestLabel } from './release-types.ts';

/** What can be drawn into a chest: chest_dx.csv's columns, and two kinds of viral pneumonia. */
export type Sign = ChestLabel | 'viral' | 'covid';

type Draw = (canvas: Canvas, side: number, random: Random) => void;

/**
 * A sketch of each sign, good for telling the pictures apart and for nothing else.
 * `side` is -1 or 1: the lung it is drawn into.
 */
const DRAW: Readonly<Record<Sign, Draw>> = {
  Consolidation: (canvas, side, random) =>
    patches(canvas, random, { x: side * 0.42, y: 0.25, n: 6, reach: 0.16, amount: 26 }),
  Fibrosis: (canvas, side, random) => strokes(canvas, random, side, 22),
  Nodule: (canvas, side, random) => blob(canvas, random, side, { r: 0.045, amount: 62 }),
  Hernia: (canvas) => {
    canvas.ellipse({ x: 0.1, y: 0.42, rx: 0.17, ry: 0.15, amount: 40, soft: 0.25 });
    canvas.ellipse({ x: 0.1, y: 0.4, rx: 0.14, ry: 0.12, amount: -60, soft: 0.25 });
  },
  Atelectasis: (canvas, side, random) => {
    for (const y of [0.3, 0.38]) {
      const [fromX, toX] = [side * 0.22, side * 0.62];
      const slope = random.between(-0.15, 0.15);
      canvas.stripe({ fromX, toX, y, slope, bend: 0, half: 0.022, amount: 48 });
    }
  },
  Pneumothorax: (canvas, side) => {
    canvas.ellipse({ x: side * 0.62, y: -0.3, rx: 0.14, ry: 0.42, amount: -42, soft: 0.2 });
    canvas.ellipse({ x: side * 0.4, y: -0.15, rx: 0.12, ry: 0.34, amount: 24, soft: 0.5 });
  },
  Edema: (canvas, _, random) => {
    for (const x of [-0.28, 0.28])
      patches(canvas, random, { x, y: 0.05, n: 7, reach: 0.2, amount: 16 });
  },
  Pneumonia: (canvas, side, random) =>
    patches(canvas, random, { x: side * 0.45, y: 0.2, n: 8, reach: 0.2, amount: 20 }),
  Emphysema: (canvas) => {
    for (const x of [-0.45, 0.45])
      canvas.ellipse({ x, y: -0.05, rx: 0.32, ry: 0.72, amount: -24, soft: 0.5 });
  },
  Effusion: (canvas, side) => {
    canvas.ellipse({ x: side * 0.5, y: 0.78, rx: 0.36, ry: 0.46, amount: 55, soft: 0.3 });
    canvas.ellipse({ x: side * 0.7, y: 0.5, rx: 0.14, ry: 0.4, amount: 34, soft: 0.6 });
  },
  Infiltration: (canvas, side, random) =>
    patches(canvas, random, { x: side * 0.4, y: 0.05, n: 9, reach: 0.22, amount: 14 }),
  Pleural_thickening: (canvas, side) => {
    canvas.ellipse({ x: side * 0.72, y: -0.1, rx: 0.07, ry: 0.55, amount: 50, soft: 0.6 });
  },
  Mass: (canvas, side, random) => blob(canvas, random, side, { r: 0.13, amount: 58 }),
  Cardiomegaly: (canvas) => {
    canvas.ellipse({ x: 0.36, y: 0.36, rx: 0.34, ry: 0.31, amount: 50, soft: 0.2 });
  },
  viral: (canvas, _, random) => {
    for (const x of [-0.42, 0.42])
      patches(canvas, random, { x, y: 0, n: 5, reach: 0.26, amount: 18 });
  },
  covid: (canvas, _, random) => {
    for (const x of [-0.62, 0.62])
      patches(canvas, random, { x, y: 0.2, n: 7, reach: 0.2, amount: 22 });
  },
};

export function drawSign(canvas: Canvas, sign: Sign, random: Random): void {
  DRAW[sign](canvas, random.int(2) === 0 ? -1 : 1, random);
}

function patches(
  canvas: Canvas,
  random: Random,
  where: {
    readonly x: number;
    readonly y: number;
    readonly n: number;
    readonly reach: number;
    readonly amount: number;
  },
): void {
  for (let i = 0; i < where.n; i += 1) {
    const r = random.between(0.08, 0.16);
    canvas.ellipse({
      x: where.x + random.between(-0.6, 0.6) * where.reach,
      y: where.y + random.between(-1.2, 1.2) * where.reach,
      rx: r,
      ry: r * random.between(0.7, 1.2),
      amount: where.amount * random.between(0.7, 1.3),
      soft: 0.8,
    });
  }
}

function blob(
  canvas: Canvas,
  random: Random,
  side: number,
  { r, amount }: { readonly r: number; readonly amount: number },
): void {
  const ellipse: Ellipse = {
    x: side * random.between(0.32, 0.55),
    y: random.between(-0.4, 0.3),
    rx: r,
    ry: r * random.between(0.85, 1.15),
    amount,
    soft: 0.35,
  };
  canvas.ellipse(ellipse);
}

function strokes(canvas: Canvas, random: Random, side: number, n: number): void {
  for (let i = 0; i < n; i += 1) {
    const fromX = side * random.between(0.24, 0.62);
    canvas.stripe({
      fromX,
      toX: fromX + side * random.between(0.05, 0.12),
      y: random.between(0.1, 0.5),
      slope: random.between(-1, 1),
      bend: 0,
      half: 0.012,
      amount: 34,
    });
  }
}

import { BarChart, CustomChart, ScatterChart } from 'echarts/charts';
import { AriaComponent, GridComponent, LegendComponent } from 'echarts/components';
import { init, use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';
import { Html } from './html.ts';

use([
  ...[BarChart, CustomChart, ScatterChart],
  ...[AriaComponent, GridComponent, LegendComponent, SVGRenderer],
]);

/** As wide as a phone is, nearly: so that letters can be read there; a larger screen enlarges it. */
const WIDTH = 400;
const SIDE_BY_SIDE = 620;
/** Of one letter, about: nothing measures text here. */
const LETTER = 6.4;
const MARGIN = { right: 16, top: 8, bottom: 28 };

// Colours are the page's own (src/report/style.ts), so that they change with light and dark.
const INK = 'var(--ink)';
const SOFT = 'var(--soft)';
const LINE = 'var(--line)';
const PAPER = 'var(--paper)';
const COLORS = ['var(--s1)', 'var(--s2)', 'var(--s3)', 'var(--s4)', 'var(--s5)', 'var(--s6)'];
/** Shapes tell series apart where colours don't. */
const SYMBOLS = ['circle', 'triangle', 'diamond', 'rect', 'roundRect', 'arrow'];
const COMMON = {
  animation: false,
  color: COLORS,
  textStyle: { color: INK, fontSize: 12 },
};
const SERIES = { silent: true, emphasis: { disabled: true } };

interface Series {
  readonly name: string;
  readonly values: readonly (number | null)[];
}

export interface BarOptions {
  readonly names: readonly string[];
  readonly series: readonly Series[];
  /** The parts of one bar, instead of bars beside each other. */
  readonly isStacked?: boolean;
  /** Upright, for names that are steps of a scale. */
  readonly isUpright?: boolean;
  /** Of the scale of an upright one. */
  readonly nameOfScale?: string;
}

/** Bars, each with a pattern of its own where there are several series. */
export function barChart({ names, series, isStacked, isUpright, nameOfScale }: BarOptions): Html {
  const isMany = series.length > 1;
  const upright = isUpright === true;
  const height = upright ? 230 : names.length * 24 + 46 + (isMany ? 26 : 0);
  const nameAxis = {
    ...axisOf('category'),
    data: names,
    inverse: !upright,
    ...(upright ? { name: nameOfScale ?? '', nameLocation: 'middle', nameGap: 24 } : {}),
  };
  const valueAxis = axisOf('value');
  return draw(WIDTH, height, {
    aria: { enabled: isMany, decal: { show: isMany } },
    ...(isMany ? { legend: legendOf() } : {}),
    grid: gridOf(upright ? [] : names, {
      top: isMany ? 34 : MARGIN.top,
      bottom: upright ? 44 : 28,
    }),
    xAxis: upright ? nameAxis : valueAxis,
    yAxis: upright ? valueAxis : nameAxis,
    series: series.map(({ name, values }) => ({
      ...SERIES,
      name,
      type: 'bar',
      ...(isStacked === true ? { stack: 'all' } : {}),
      barMaxWidth: 20,
      // What is more than nothing is seen, and nothing is not.
      barMinHeight: 1,
      data: values.map((value) => (value === 0 ? null : value)),
    })),
  });
}

export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** Shares of several groups for each name, with their confidence intervals: a shape a group. */
export function shareChart(
  names: readonly string[],
  groups: readonly { readonly name: string; readonly shares: readonly (Interval | null)[] }[],
): Html {
  const step = Math.min(9, 20 / groups.length);
  const row = Math.max(26, groups.length * step + 10);
  const offsets = groups.map((_, at) => (at - (groups.length - 1) / 2) * step);
  const rule = {
    ...axisOf('log'),
    ...{ min: leastOf(groups), max: 1 },
    axisLabel: { color: SOFT, formatter: toPercent },
  };
  return draw(WIDTH, names.length * row + 66, {
    legend: { ...legendOf(), data: groups.map(({ name }) => name) },
    grid: gridOf(names, { top: 34, bottom: MARGIN.bottom }),
    xAxis: rule,
    yAxis: { ...axisOf('category'), data: names, inverse: true, splitLine: lines() },
    series: groups.flatMap(({ name, shares }, at) => {
      const color = COLORS[at % COLORS.length];
      const data = shares.flatMap((share, y) => (hasPlace(share) ? [[share.value, y]] : []));
      const intervals = shares.flatMap((share, y) =>
        hasPlace(share) ? [[Math.max(share.low, rule.min), share.high, y]] : [],
      );
      return [
        {
          ...{ ...SERIES, type: 'custom', data: intervals, encode: { x: [0, 1], y: 2 } },
          renderItem: (_: unknown, api: CustomApi) => interval(api, offsets[at] ?? 0, color),
        },
        {
          ...{ ...SERIES, name, type: 'scatter', data, symbolSize: 8 },
          ...{ symbol: SYMBOLS[at % SYMBOLS.length], symbolOffset: [0, offsets[at] ?? 0] },
          itemStyle: { color, borderColor: PAPER, borderWidth: 0.8 },
        },
      ];
    }),
  });
}

type Groups = Parameters<typeof shareChart>[1];

/** 0 has no place on a logarithmic scale: the table has it. */
function hasPlace(share: Interval | null): share is Interval {
  return share !== null && share.value > 0;
}

/** Where the scale begins: the power of ten below every share. */
function leastOf(groups: Groups): number {
  const shares = groups.flatMap(({ shares: all }) => all.filter(hasPlace));
  return 10 ** Math.floor(Math.log10(Math.min(0.1, ...shares.map(({ value }) => value * 0.8))));
}

/** What a custom series is given to draw with: the part of ECharts' own type that is used here. */
interface CustomApi {
  value(dimension: number): unknown;
  coord(at: readonly number[]): number[];
  size(of: readonly number[]): number | number[];
}

function interval(api: CustomApi, offset: number, stroke: string | undefined) {
  const y = Number(api.value(2));
  const [x1 = 0, middle = 0] = api.coord([Number(api.value(0)), y]);
  const [x2 = 0] = api.coord([Number(api.value(1)), y]);
  const shape = { x1, x2, y1: middle + offset, y2: middle + offset };
  return { type: 'line', shape, style: { stroke, lineWidth: 1.5 } };
}

/** Shares of rows and columns: the darker the larger, with its number where there is room for one. */
export function heatMap(
  names: readonly string[],
  cells: readonly { readonly row: number; readonly column: number; readonly share: number }[],
): Html {
  const left = widthOf(names);
  const size = (SIDE_BY_SIDE - left - MARGIN.right) / Math.max(1, names.length);
  const side = Math.max(20, Math.min(34, size));
  const inner = { width: side * names.length, height: side * names.length };
  return draw(left + inner.width + MARGIN.right, inner.height + left, {
    grid: { left, top: 4, ...inner },
    xAxis: {
      ...axisOf('category'),
      data: names,
      axisLabel: { rotate: 60, interval: 0, color: INK },
    },
    yAxis: { ...axisOf('category'), data: names, inverse: true },
    series: [
      {
        ...{ ...SERIES, type: 'custom', encode: { x: 0, y: 1 } },
        data: cells.map(({ row, column, share }) => [column, row, share]),
        renderItem: (_: unknown, api: CustomApi) => heatCell(api),
      },
    ],
  });
}

function heatCell(api: CustomApi) {
  const [x = 0, y = 0] = api.coord([Number(api.value(0)), Number(api.value(1))]);
  const share = Number(api.value(2));
  const size = api.size([1, 1]);
  const [width = 0, height = 0] = Array.isArray(size) ? size : [size, size];
  const shape = {
    x: x - width / 2 + 0.5,
    y: y - height / 2 + 0.5,
    width: width - 1,
    height: height - 1,
  };
  const opacity = Math.round(100 * (0.08 + 0.92 * Math.sqrt(share))) / 100;
  const text = { text: `${Math.round(share * 100)}`, x, y, fill: opacity > 0.55 ? PAPER : INK };
  return {
    type: 'group',
    children: [
      { type: 'rect', shape, style: { fill: COLORS[0], opacity } },
      ...(share < 0.005
        ? []
        : [
            {
              type: 'text',
              style: { ...text, align: 'center', verticalAlign: 'middle', fontSize: 10 },
            },
          ]),
    ],
  };
}

/** Points, a shape a group. */
export function pointChart(
  [x, y]: readonly [string, string],
  groups: readonly {
    readonly name: string;
    readonly points: readonly (readonly [number, number])[];
  }[],
): Html {
  const named = (name: string, nameGap: number) => {
    return { ...axisOf('value'), name, nameLocation: 'middle', nameGap, scale: true };
  };
  return draw(WIDTH, 300, {
    legend: legendOf(),
    grid: { left: 66, right: MARGIN.right, top: 34, bottom: 46 },
    xAxis: { ...named(x, 26), splitLine: lines() },
    yAxis: named(y, 46),
    series: groups.map(({ name, points }, at) => ({
      ...{ ...SERIES, name, type: 'scatter', data: points, symbolSize: 6 },
      symbol: SYMBOLS[at % SYMBOLS.length],
      itemStyle: { opacity: 0.65 },
    })),
  });
}

function toPercent(value: number): string {
  return `${Number((100 * value).toPrecision(2))} %`;
}

function axisOf(type: 'category' | 'value' | 'log') {
  return {
    type,
    axisLine: { show: type === 'category', lineStyle: { color: LINE } },
    axisTick: { show: false },
    axisLabel: {
      color: type === 'category' ? INK : SOFT,
      ...(type === 'category' ? { interval: 0 } : { hideOverlap: true }),
    },
    nameTextStyle: { color: SOFT },
    splitNumber: 4,
    ...(type === 'category' ? {} : { splitLine: lines() }),
  };
}

function lines() {
  return { show: true, lineStyle: { color: LINE } };
}

function legendOf() {
  return {
    left: 0,
    top: 0,
    itemWidth: 14,
    itemHeight: 10,
    itemGap: 14,
    textStyle: { color: INK },
    selectedMode: false,
  };
}

function widthOf(names: readonly string[]): number {
  return 14 + LETTER * Math.max(0, ...names.map(({ length }) => length));
}

function gridOf(names: readonly string[], { top, bottom }: { top: number; bottom: number }) {
  const left = names.length === 0 ? 58 : widthOf(names);
  return { left, right: MARGIN.right, top, bottom };
}

/** The SVG as a part of a page: it is as wide as there is room. */
function draw(width: number, height: number, option: object): Html {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height });
  try {
    chart.setOption({ ...COMMON, ...option });
    const svg = chart
      .renderToSVGString()
      .replace(/<style[\s\S]*?<\/style>\n?/g, '')
      .replace(
        / (?:class|pointer-events|ecmeta_\w+|xml:space|xmlns\S*|version|baseProfile)="[^"]*"/g,
        '',
      )
      .replace(/^<svg width="[\d.]+" height="[\d.]+"/, '<svg');
    return new Html(svg);
  } finally {
    chart.dispose();
  }
}

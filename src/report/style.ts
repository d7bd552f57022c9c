/**
 * Colours of charts after Okabe and Ito, which the colour-blind can tell apart: as text on both grounds they
 * have a contrast of 3 and more. On paper it is light.
 */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fff; --raised: #f5f6f8; --ink: #1b1f24; --soft: #57606a; --line: #d5d9de; --link: #0b5cad;
  --s1: #0072b2; --s2: #d55e00; --s3: #00805f; --s4: #a8517f; --s5: #8a6d00; --s6: #4b5563; --bad: #b42318;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171b; --raised: #1d2127; --ink: #e8eaed; --soft: #a4adb8; --line: #39404a; --link: #7fbdf5;
    --s1: #56b4e9; --s2: #ff9a4d; --s3: #2bc79a; --s4: #e59ac4; --s5: #e6c84a; --s6: #aab4c0; --bad: #ff9085;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; }
body { margin: 0 auto; padding: 0 1.25rem 3rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--s1); outline-offset: 2px; border-radius: 2px; }
.skip { position: absolute; left: -99rem; top: 0; padding: .5rem 1rem; background: var(--paper); z-index: 2; }
.skip:focus { left: 1rem; }
header { padding: 2.5rem 0 1rem; border-bottom: 1px solid var(--line); }
.eyebrow { margin: 0; color: var(--soft); font-size: .875rem; }
h1 { margin: 0; font-size: clamp(1.75rem, 5vw, 2.5rem); line-height: 1.2; }
header p { margin: .25rem 0 0; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: 1rem 0 0; padding: 0; list-style: none; }
h2 { margin: 2.75rem 0 .75rem; font-size: 1.5rem; line-height: 1.25; }
h3 { margin: 1.75rem 0 .5rem; font-size: 1.0625rem; }
section > p, .wide > p { max-width: 46rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0 0 1.25rem; }
.tiles div { padding: .75rem 1rem; border-radius: 8px; background: var(--raised); }
.tiles dt { color: var(--soft); font-size: .875rem; }
.tiles dd { margin: 0; font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; line-height: 1.25; }
.tiles small { display: block; color: var(--soft); font-size: .8125rem; font-weight: 400; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); gap: 1.25rem 2.5rem; align-items: start; }
.pair, .wide { margin: 0 0 1.75rem; }
.pair > *, .wide > * { min-width: 0; }
.pair table { width: 100%; }
.wide > * + * { margin-top: 1.25rem; }
figure { margin: 0 0 1.25rem; }
figcaption { margin-bottom: .375rem; font-weight: 600; font-size: .9375rem; }
figcaption small { display: block; color: var(--soft); font-weight: 400; font-size: .8125rem; }
figure svg { display: block; width: 100%; height: auto; max-width: 31rem; }
.wide figure svg { min-width: 34rem; max-width: 50rem; }
svg text { font-family: system-ui, sans-serif; }
.scroll { overflow: auto; max-height: 30rem; }
.sideways { overflow-x: auto; }
table { border-collapse: collapse; min-width: min(100%, 30rem); font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3125rem .625rem; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
tbody th { font-weight: 400; white-space: nowrap; }
tbody .long { min-width: 14rem; white-space: normal; overflow-wrap: anywhere; }
thead th { position: sticky; top: 0; background: var(--paper); color: var(--soft); font-weight: 600; vertical-align: bottom; }
.number { text-align: right; }
td.number, tbody .number { white-space: nowrap; }
thead button { all: unset; cursor: pointer; }
thead button:focus-visible { outline: 3px solid var(--s1); outline-offset: 2px; }
thead button:hover { text-decoration: underline; }
thead button::after { content: " \\2195"; color: var(--line); }
[aria-sort] button { color: var(--ink); }
[aria-sort=ascending] button::after { content: " \\2191"; color: inherit; }
[aria-sort=descending] button::after { content: " \\2193"; color: inherit; }
.bad { color: var(--bad); font-weight: 600; }
.note { color: var(--soft); font-size: .875rem; }
.sheet { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(8.5rem, 28%), 1fr)); gap: 1rem .75rem; margin: 0; padding: 0; list-style: none; }
.sheet li { min-width: 0; font-size: .75rem; color: var(--soft); overflow-wrap: anywhere; }
.sheet img, .none { display: block; width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 4px; background: #000; }
.none { display: grid; place-items: center; border: 1px dashed var(--line); background: none; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .875rem; }
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media print {
  :root {
    color-scheme: light;
    --paper: #fff; --raised: #fff; --ink: #000; --soft: #333; --line: #999; --link: #000;
    --s1: #0072b2; --s2: #d55e00; --s3: #00805f; --s4: #a8517f; --s5: #8a6d00; --s6: #4b5563; --bad: #000;
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav, .skip, thead button::after { display: none; }
  .scroll, .sideways { max-height: none; overflow: visible; }
  .wide figure svg { min-width: 0; }
  .tiles div { border: 1px solid var(--line); }
  thead th { position: static; }
  table { width: 100%; min-width: 0; font-size: 7.5pt; }
  th, td { padding: 2pt 3pt; }
  tbody .number, tbody th { white-space: normal; }
  figure, tr, .sheet li { break-inside: avoid; }
  h2, h3, figcaption { break-after: avoid; }
}
`;

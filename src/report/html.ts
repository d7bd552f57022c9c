import { escapeHtml } from '../text.ts';

/** Markup. All of it comes out of `markup`, so that foreign text is escaped wherever it stands. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Value = Html | string | number | readonly Value[];

/** A template of markup: values that are none are escaped; of a list the parts follow each other. */
export function markup(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  const parts = strings.map((string, at) => string + textOf(values[at] ?? ''));
  return new Html(parts.join(''));
}

function textOf(value: Value): string {
  if (value instanceof Html) return value.text;
  if (typeof value === 'string') return escapeHtml(value);
  return typeof value === 'number' ? String(value) : value.map(textOf).join('');
}

import { type PageAnchor, type PageElement, closest } from './page-tree.ts';

type Attributes = ReadonlyMap<string, string>;

interface Form {
  readonly element: PageElement;
  readonly action: string;
  /** Names and values that it sends, whichever button is pressed. */
  readonly fields: [name: string, value: string][];
  readonly buttons: { readonly element: PageElement; readonly attributes: Attributes }[];
}

/** More than any page has. */
const MAX_FORMS = 5000;
const MAX_FIELDS = 50;

/** Reads the forms of a page that ask for an address by GET, as links do. */
export class FormReader {
  readonly #forms: Form[] = [];

  visit(element: PageElement, attributes: Attributes): void {
    const { tag } = element;
    if (tag === 'form') this.#open(element, attributes);
    if (tag !== 'input' && tag !== 'button') return;
    const form = this.#formOf(element);
    if (form === undefined) return;
    const type = (attributes.get('type') ?? (tag === 'button' ? 'submit' : 'text')).toLowerCase();
    if (type === 'submit' || type === 'image') form.buttons.push({ element, attributes });
    else if (tag === 'input' && type !== 'button' && type !== 'reset') {
      if (form.fields.length < MAX_FIELDS) form.fields.push(...pairOf(attributes));
    }
  }

  #open(element: PageElement, attributes: Attributes): void {
    const isGet = (attributes.get('method') ?? 'get').trim().toLowerCase() !== 'post';
    if (!isGet || this.#forms.length >= MAX_FORMS) return;
    const action = attributes.get('action') ?? '';
    this.#forms.push({ element, action, fields: [], buttons: [] });
  }

  /** Between the rows of a table a form has no children: what follows belongs to it (HTML, 13.2.6.4.9). */
  #formOf(element: PageElement): Form | undefined {
    const around = closest(element, 'form');
    const last = this.#forms.at(-1);
    if (around === undefined) return last?.element.end === last?.element.start ? last : undefined;
    return this.#forms.findLast((form) => form.element === around);
  }

  /** Where the forms lead: a link for each button that sends them. */
  anchors(): readonly PageAnchor[] {
    return this.#forms.flatMap(({ element, action, fields, buttons }) =>
      (buttons.length === 0
        ? [{ element, attributes: new Map<string, string>() }]
        : buttons
      ).flatMap((button) => {
        const pairs = [...fields, ...pairOf(button.attributes)];
        // A search box without a text leads to no file.
        if (pairs.length === 0 && !/\.(?:zip|csv)$/i.test(action)) return [];
        const target = button.attributes.get('formaction') ?? action;
        const query = pairs.length === 0 ? '' : `?${new URLSearchParams(pairs).toString()}`;
        return {
          position: button.element.start,
          element: button.element,
          href: `${target.replace(/[?#].*$/s, '')}${query}`,
          saveAs: undefined,
          isGuess: false,
        };
      }),
    );
  }
}

function pairOf(attributes: Attributes): [string, string][] {
  const [name = '', value = ''] = [attributes.get('name'), attributes.get('value')];
  return name === '' || value === '' ? [] : [[name, value]];
}

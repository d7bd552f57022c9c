import { expect, it } from 'vitest';
import { Html, markup } from '../../src/report/html.ts';

it.each<[what: string, made: Html, text: string]>([
  [
    'text',
    markup`<p>${`<b>"a" & 'b'</b>`}</p>`,
    '<p>&#60;b&#62;&#34;a&#34; &#38; &#39;b&#39;&#60;/b&#62;</p>',
  ],
  ['markup', markup`<p>${markup`<b>${1.5}</b>`}</p>`, '<p><b>1.5</b></p>'],
  ['a list', markup`<p>${['<', markup`<i></i>`, 2]}</p>`, '<p>&#60;<i></i>2</p>'],
  ['nothing', markup``, ''],
])('puts %s into markup', (_, { text: made }, text) => {
  expect(made).toBe(text);
});

import { format, resolveConfig } from 'prettier';
import { exitCodesMarkdown } from '../src/cli/exit-codes.ts';
import { optionsMarkdown } from '../src/cli/options.ts';

/** Parts of README.md that are made of the code's own tables, by the name in their markers. */
const BLOCKS: Readonly<Record<string, () => string>> = {
  'exit-codes': exitCodesMarkdown,
  options: optionsMarkdown,
};

/** README.md with each block as the code has it now, in the project's format. */
export async function fillBlocks(readme: string, path: string): Promise<string> {
  let text = readme;
  for (const [name, render] of Object.entries(BLOCKS)) {
    const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
    const parts = text.split(open);
    const [before, rest] = parts;
    const at = rest?.indexOf(close) ?? -1;
    if (before === undefined || rest === undefined || parts.length > 2 || at < 0) {
      throw new Error(`README.md must have ${open} … ${close}, once`);
    }
    text = `${before}${open}\n\n${render()}\n${rest.slice(at)}`;
  }
  return format(text, { ...(await resolveConfig(path)), parser: 'markdown' });
}

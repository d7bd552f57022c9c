// A process of its own that runs the demo and does nothing to end itself: it ends only if the demo
// has left nothing open. `demo-child.ts DEST whole|stopped`
import { runDemo } from '../../src/demo/run-demo.ts';
import { isCcxriError } from '../../src/errors.ts';

const [, , dest = '', how = ''] = process.argv;
const controller = new AbortController();
let said: string;
try {
  const { fetch } = await runDemo({
    dest,
    bytesPerSecond: how === 'whole' ? Infinity : 400_000,
    signal: controller.signal,
    onEvent: ({ event }) => {
      if (event === 'file-done' && how === 'stopped') controller.abort();
    },
  });
  said = `${fetch.outcomes.length} files`;
} catch (error) {
  if (!isCcxriError(error)) throw error;
  said = error.code;
}
process.stdout.write(`${said}\n`);

// What a run needs of this folder, behind one import(): each import() of the entry is a chunk of its own, and splits
// others, and where few files may be open, so many can't be loaded.
export { systemClock } from '../clock.ts';
export { STOP_SIGNALS, StopRequest } from './exit-codes.ts';
export { run } from './run.ts';

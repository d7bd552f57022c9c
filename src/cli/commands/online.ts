// The commands that download: they share most of their code, and are loaded in one piece. Each module of
// its own would be another file that Node opens at the same time, and a process may have few of them.
export { runDoctor } from './doctor.ts';
export { runFetch } from './fetch.ts';
export { runLinks } from './links.ts';
export { runLock } from './lock.ts';
export { runMembers } from './members.ts';
export { runPlan } from './plan.ts';
export { runQuery } from './query.ts';
export { runRepair } from './repair.ts';

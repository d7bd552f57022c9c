import { describeFaults } from './syscall-suite.ts';

const brief = { isBrief: true } as const;

// The first, the middle and the last of all that test/long/ goes through.
const kinds = [
  { call: 'pwrite64,pwritev', how: 'error=ENOSPC', codes: [6], ...brief },
  { call: 'pwrite64,pwritev', how: 'error=EDQUOT', codes: [6], ...brief },
  { call: 'pwrite64,pwritev', how: 'retval=100', codes: [0], codesOfTwo: [3], ...brief },
  { call: 'fsync', how: 'error=EIO', codes: [6], mayPass: /\.ccxri\/\.\*\.tmp/, ...brief },
  { call: 'rename', how: 'signal=KILL', codes: [], ...brief },
  { call: 'link', how: 'error=EPERM', codes: [0], ...brief },
];

describeFaults({ kinds });

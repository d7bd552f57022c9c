import { takesOption, type CommandName } from './options.ts';
import { unknownVariables, type Environment } from './options-resolve.ts';

/** What the environment says that nobody may have meant, a sentence each. */
export function environmentWarnings(command: CommandName, env: Environment): readonly string[] {
  return [...unknownVariables(env), ...uncheckedTls(command, env), ...foreignCode(env)];
}

/** Node's TLS looks at this variable by itself; ccxri can only say what it does. */
function uncheckedTls(command: CommandName, env: Environment): readonly string[] {
  const isOff = env['NODE_TLS_REJECT_UNAUTHORIZED'] === '0';
  // Of the commands that ask servers, and they alone have a --timeout.
  if (!isOff || !takesOption(command, 'timeout')) return [];
  return [
    "NODE_TLS_REJECT_UNAUTHORIZED=0 turns the check of every server's certificate off: https is no better than http then, " +
      'whoever is on the line can answer instead of the server and read what --header sends (files are still judged by their MD5). ' +
      "For a company's proxy, unset it and name its CA file instead: NODE_EXTRA_CA_CERTS=/path/ca.pem",
  ];
}

/** Options of Node that bring code of somebody else's into this process. */
const LOADS_CODE = /(?:^|\s)(?:-r|--require|--import|--loader|--experimental-loader)(?:[\s=]|$)/;

function foreignCode(env: Environment): readonly string[] {
  if (!LOADS_CODE.test(env['NODE_OPTIONS'] ?? '')) return [];
  return [
    'NODE_OPTIONS loads other code into this process: what ccxri says holds only if that code is yours',
  ];
}

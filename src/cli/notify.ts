import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { win32 } from 'node:path';
import { formatDuration, toPrintable } from '../text.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { type CliIo, isLiveTerminal } from './io.ts';

/** How long a program may take that shows a notification: a session without a bus lets it hang. */
const MOST_MS = 5000;

interface Ended {
  readonly command: string;
  readonly dest: string;
  readonly exitCode: number;
  readonly elapsedMs: number;
}

interface Call {
  readonly program: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A bell on the terminal, and a notification on the desktop where a program for it is. Nothing depends on
 * either: what fails is passed over.
 */
export async function notifyOf(ended: Ended, io: Pick<CliIo, 'stderr' | 'env'>): Promise<void> {
  if (isLiveTerminal(io.stderr, io.env)) io.stderr.write('\u0007');
  await show(callFor(platform(), ended, io.env), io.env);
}

/** The texts are arguments or variables, and never part of a script. */
export function callFor(
  system: string,
  { command, dest, exitCode, elapsedMs }: Ended,
  env: CliIo['env'],
): Call {
  const meaning = EXIT_CODES.find(({ code }) => code === exitCode)?.meaning ?? '';
  const title = exitCode === 0 ? `ccxri ${command}: done` : `ccxri ${command}: code ${exitCode}`;
  const about = `${toPrintable(dest, 200)}, after ${formatDuration(elapsedMs)}`;
  const body = exitCode === 0 ? about : `${meaning}; ${about}`;
  if (system === 'darwin') {
    const lines = [
      'on run argv',
      'display notification (item 2 of argv) with title (item 1 of argv)',
    ];
    const script = [...lines, 'end run'].flatMap((line) => ['-e', line]);
    return { program: 'osascript', args: [...script, title, body] };
  }
  if (system === 'win32') {
    const args = ['-NoProfile', '-NonInteractive', '-Command', BALLOON];
    return { program: powershellOf(env), args, env: { CCXRI_TITLE: title, CCXRI_BODY: body } };
  }
  // Servers of notifications read markup in the body.
  const plain = body.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
  return { program: 'notify-send', args: ['--app-name=ccxri', '--', title, plain] };
}

/** By its path: Windows looks for a bare name in the current directory first, which may be a download. */
function powershellOf({ SystemRoot: root = 'C:\\Windows' }: CliIo['env']): string {
  return win32.join(root, 'System32', 'WindowsPowerShell', 'v1.0', 'powershell.exe');
}

const BALLOON = `Add-Type -AssemblyName System.Windows.Forms
$icon = New-Object System.Windows.Forms.NotifyIcon
$icon.Icon = [System.Drawing.SystemIcons]::Information
$icon.Visible = $true
$icon.ShowBalloonTip(4000, $env:CCXRI_TITLE, $env:CCXRI_BODY, 'None')
Start-Sleep -Seconds 4
$icon.Dispose()`;

function show({ program, args, env: more }: Call, env: CliIo['env']): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      env: { ...env, ...more },
      stdio: 'ignore',
      timeout: MOST_MS,
      killSignal: 'SIGKILL',
      windowsHide: true,
    });
    child.on('error', () => resolve());
    child.on('exit', () => resolve());
  });
}

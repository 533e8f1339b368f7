import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';

/** Kills process groups when the host itself is gone, however it went. */
export interface Watchdog {
  /** From now on the group does not outlive the host. */
  add(leader: number): void;
  /** Nothing of the group is left, so that its number may become that of another. */
  delete(leader: number): void;
  /** Lets the watchdog leave; groups that are still listed are killed by it. */
  close(): Promise<void>;
}

/**
 * Reads which groups there are, and kills them when its input ends: the host holds the only other end of the pipe,
 * and the kernel closes that with the host. A shell, because it is there on every system that has process groups,
 * starts in a millisecond and takes a megabyte.
 */
const script = `
trap '' HUP INT QUIT TERM
groups=' '
while read -r change leader; do
  case $change in
    add) groups="$groups$leader ";;
    delete) case $groups in *" $leader "*) groups="\${groups%% $leader *} \${groups#* $leader }";; esac;;
  esac
done
for leader in $groups; do kill -s KILL -- "-$leader"; done
`;

/** One that is killed is started again, but one that cannot live is not tried forever. */
const startsMax = 8;

/** One process for all groups, started with the first of them. Without it, or on Windows, there is no such protection. */
export function createWatchdog(log: (message: string) => void): Watchdog {
  const leaders = new Set<number>();
  let shell: ChildProcess | undefined;
  let starts = 0;
  let isClosed = false;

  function add(leader: number): void {
    leaders.add(leader);
    if (shell === undefined) start();
    else tell(shell, 'add', leader);
  }

  function remove(leader: number): void {
    if (leaders.delete(leader) && shell !== undefined) tell(shell, 'delete', leader);
  }

  function start(): void {
    if (isClosed || starts === startsMax || process.platform === 'win32') return;
    starts += 1;
    const started = spawn('/bin/sh', ['-c', script], {
      // A group of its own: what is meant for the host, such as Ctrl-C, must not reach it.
      detached: true,
      env: {},
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    shell = started;
    started.on('error', (cause) => log(`the watchdog of the processes: ${cause.message}`));
    started.stdin?.on('error', () => {
      // It has ended, which is told by the next.
    });
    started.once('close', () => {
      shell = undefined;
      if (leaders.size > 0) start();
    });
    letHostLeave(started);
    for (const leader of leaders) tell(started, 'add', leader);
  }

  async function close(): Promise<void> {
    isClosed = true;
    const ending = shell;
    if (ending === undefined) return;
    const ended = Promise.withResolvers<void>();
    ending.once('close', () => ended.resolve());
    ending.ref();
    ending.stdin?.end();
    await ended.promise;
  }

  return { add, delete: remove, close };
}

function tell({ stdin }: ChildProcess, change: 'add' | 'delete', leader: number): void {
  // The kernel takes a line of this size at once, so that it is told even if the host is killed right after.
  stdin?.write(`${change} ${leader}\n`);
}

/** Neither the process nor the pipe to it keeps the host running. */
function letHostLeave(shell: ChildProcess): void {
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
}

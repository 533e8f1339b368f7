import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { Socket } from 'node:net';
import { markName } from './marked-processes.ts';

/** Kills process groups when the host itself is gone, however it went. */
export interface Watchdog {
  /** From now on neither the group nor what has the mark in its environment outlives the host. No mark begins another. */
  add(leader: number, mark: string): void;
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
while read -r change leader mark; do
  group="$leader:$mark"
  case $change in
    add) groups="$groups$group ";;
    delete) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }";; esac;;
  esac
done
for group in $groups; do kill -s KILL -- "-\${group%%:*}"; done
for group in $groups; do
  for environ in $(grep -lsF "${markName}=\${group#*:}" /proc/[0-9]*/environ); do
    pid="\${environ#/proc/}"
    kill -s KILL "\${pid%%/*}"
  done
done
`;

/** One that is killed is started again, but one that cannot live is not tried forever. */
const startsMax = 8;

/** One process for all groups, started with the first of them. Without it, or on Windows, there is no such protection. */
export function createWatchdog(log: (message: string) => void): Watchdog {
  const marks = new Map<number, string>();
  let shell: ChildProcess | undefined;
  let starts = 0;
  let isClosed = false;

  function add(leader: number, mark: string): void {
    marks.set(leader, mark);
    if (shell === undefined) start();
    else tell(shell, 'add', leader, mark);
  }

  function remove(leader: number): void {
    const mark = marks.get(leader);
    if (mark === undefined) return;
    marks.delete(leader);
    if (shell !== undefined) tell(shell, 'delete', leader, mark);
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
      if (marks.size > 0) start();
    });
    letHostLeave(started);
    for (const [leader, mark] of marks) tell(started, 'add', leader, mark);
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

function tell(
  { stdin }: ChildProcess,
  change: 'add' | 'delete',
  leader: number,
  mark: string,
): void {
  // The kernel takes a line of this size at once, so that it is told even if the host is killed right after.
  stdin?.write(`${change} ${leader} ${mark}\n`);
}

/** Neither the process nor the pipe to it keeps the host running. */
function letHostLeave(shell: ChildProcess): void {
  shell.unref();
  if (shell.stdin instanceof Socket) shell.stdin.unref();
}

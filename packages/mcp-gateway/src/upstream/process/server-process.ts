import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { HostError } from '@modelhost/kernel';
import { childEnvironment } from './child-environment.ts';
import { createLineSplitter } from '../line-splitter.ts';
import type { LineEnds } from '../line-splitter.ts';
import type { MemoryCap } from './memory-watch.ts';
import { markName } from './marked-processes.ts';
import { endProcessGroup, signalGroup } from './process-group.ts';
import type { EndingTimes } from './process-group.ts';
import type { ProcessGroups } from './process-groups.ts';
import type { ToolServerLogEntry, ToolServerTransport } from '../../server-spec.ts';

/** A tool server as a child process in a process group of its own. */
export interface ServerProcess {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Resolves when it runs; rejects when it cannot be started. */
  started(): Promise<void>;
  /** Throws when the process does not read what it was sent before. */
  write(line: string): void;
  /** Resolves when no process of the group is left. */
  end(): Promise<void>;
}

/** What a server process is made of. */
export interface ServerProcessOptions {
  readonly server: string;
  readonly transport: ToolServerTransport & { readonly type: 'stdio' };
  /** The host's own environment; a few variables of it are passed on. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of a line of its output, and of what waits to be read by it. */
  readonly messageBytesMax: number;
  readonly endingTimes: EndingTimes;
  /** The groups that run, this one among them while it does. */
  readonly groups: ProcessGroups;
  /** Resident memory of the whole group; undefined for no cap. */
  readonly memoryBytesMax: number | undefined;
  readonly log: (source: ToolServerLogEntry['source'], message: string) => void;
}

/** What happens to a server process. */
export interface ServerProcessEvents {
  readonly onLine: (line: string) => void;
  /** It wrote a line beyond the bound, which was dropped; says whether the connection can go on without it. */
  readonly onDropped: (ends: LineEnds) => boolean;
  /** It ended by itself, or there is no going on after a line beyond the bound. Comes once at most. */
  readonly onFailure: (failure: HostError) => void;
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** A line without end must end the connection at some point. */
const droppedBytesMax = 67_108_864;
const logLineBytesMax = 4_096;
const logBytesMax = 262_144;

/** Starts the process. Its group is owned here: when it ends by itself, the rest of the group is ended too. */
export function startServerProcess(
  options: ServerProcessOptions,
  events: ServerProcessEvents,
): ServerProcess {
  const { server, messageBytesMax, endingTimes, groups } = options;
  const mark = randomUUID();
  const child = spawnChild(options, mark);
  if (child.pid !== undefined) groups.add(child.pid, mark, memoryCap(child.pid));
  const spawned = once(child, 'spawn');
  const { onLine, onDropped } = events;
  const lineBytesMax = messageBytesMax;
  const lines = createLineSplitter({ lineBytesMax, droppedBytesMax, onLine, onDropped });
  child.stdout.on('data', (chunk: Buffer) => {
    if (lines.push(chunk)) return;
    child.stdout.destroy();
    const message = `${server}: a message has more than ${messageBytesMax} bytes`;
    events.onFailure(new HostError('mcp_result_too_large', message, { facts: { server } }));
  });
  logOutput(child.stderr, (line) => options.log('stderr', line));
  // A broken pipe is told by the end of the process, which follows; a failed start by `started`.
  for (const emitter of [child, child.stdin, child.stdout, child.stderr]) {
    emitter.on('error', ignore);
  }
  child.once('exit', (code, signal) => endAfterExit(signal ?? `exit code ${code}`));

  function memoryCap(leader: number): MemoryCap | undefined {
    const { memoryBytesMax: bytesMax } = options;
    if (bytesMax === undefined) return undefined;
    const onExceeded = (bytes: number): void => {
      // Its memory is needed elsewhere now: no time for a farewell.
      signalGroup(leader, 'SIGKILL');
      events.onFailure(connectionFailed(server, `it took ${bytes} of ${bytesMax} bytes of memory`));
    };
    return { bytesMax, onExceeded };
  }

  /** What the process wrote last is still read; what it leaves in its group has lost its server. */
  function endAfterExit(how: string): void {
    if (child.pid !== undefined) {
      signalGroup(child.pid, 'SIGKILL');
      groups.delete(child.pid);
    }
    const giveUp = setTimeout(tellEnd, endingTimes.killMs);
    child.once('close', tellEnd);

    function tellEnd(): void {
      clearTimeout(giveUp);
      events.onFailure(connectionFailed(server, `its process ended (${how})`));
    }
  }

  function write(line: string): void {
    if (child.stdin.writableLength > messageBytesMax) {
      throw connectionFailed(server, 'it does not read its input');
    }
    child.stdin.write(line);
  }

  async function end(): Promise<void> {
    child.stdin.end();
    if (child.pid !== undefined) {
      await endProcessGroup(child.pid, endingTimes);
      groups.delete(child.pid);
    }
    // A process that left the group may still hold the other ends.
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }

  return { pid: child.pid, started: async () => void (await spawned), write, end };
}

function spawnChild({ transport, environment }: ServerProcessOptions, mark: string): Child {
  const { command, args, env, cwd } = transport;
  return spawn(command, args, {
    env: { ...childEnvironment(environment, env), [markName]: mark },
    ...(cwd === undefined ? {} : { cwd }),
    stdio: ['pipe', 'pipe', 'pipe'],
    // Makes it the leader of a new process group, which is ended as a whole.
    detached: true,
  });
}

function logOutput(stream: Readable, log: (line: string) => void): void {
  let bytesLeft = logBytesMax;
  const lines = createLineSplitter({
    lineBytesMax: logLineBytesMax,
    droppedBytesMax: logBytesMax,
    onLine: log,
    onDropped: () => {
      log('(a line that is too long was left out)');
      return true;
    },
  });
  stream.on('data', (chunk: Buffer) => {
    if (bytesLeft <= 0) return;
    bytesLeft -= chunk.length;
    lines.push(chunk);
    if (bytesLeft <= 0) log('(further output of this process is left out)');
  });
}

function connectionFailed(server: string, reason: string): HostError {
  return new HostError('mcp_connection_failed', `${server}: ${reason}`, { facts: { server } });
}

function ignore(): void {}

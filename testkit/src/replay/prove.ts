import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { storyOf } from './script.ts';
import type { Story } from './script.ts';

/** What was shown. */
export interface ReplayProof {
  readonly runs: number;
  readonly stories: ReadonlyMap<Story, number>;
  readonly kills: number;
  /** Runs that a crash made begin a step again. */
  readonly resets: number;
  /** Runs whose conversation was compacted. */
  readonly compacted: number;
  readonly removedEventWrites: number;
}

interface Replayed {
  readonly runs: Readonly<
    Record<
      string,
      {
        readonly digest?: string;
        readonly recordedDigest?: string;
        readonly kinds?: readonly string[];
        readonly problem?: string;
      }
    >
  >;
  readonly removedEvents: number;
  readonly sockets: number;
  readonly seen: number;
}

/**
 * Plays so many runs in processes that are killed so many times, removes their events, and replays all of them in a process
 * that has no network. Throws when one of them tells other events than were kept, or when a socket was opened.
 */
export async function proveReplay(options: {
  readonly directory: string;
  readonly runs: number;
  readonly kills: number;
}): Promise<ReplayProof> {
  const { directory, runs, kills } = options;
  for (let kill = 1; kill <= kills; kill += 1) {
    // oxlint-disable-next-line no-await-in-loop -- one process at a time
    await play(directory, runs, Math.ceil(runs / (kills + 1)) * 0.8);
  }
  const kept = JSON.parse(await play(directory, runs)) as Record<string, string>;
  const { runs: replayed, removedEvents, sockets, seen } = await replay(directory);
  assert.equal(Object.keys(replayed).length, runs);
  for (const [runId, { digest, recordedDigest, problem }] of Object.entries(replayed)) {
    assert.equal(problem, undefined, `${runId}: ${problem}`);
    assert.equal(digest, recordedDigest, `${runId}: not as it was recorded`);
    assert.equal(digest, kept[runId], `${runId}: not as its events were`);
  }
  assert.equal(sockets, 0, 'a socket was opened');
  assert.equal(seen, 1, 'a socket that was opened was not seen');
  assert.ok(removedEvents > runs);
  const withKind = (kind: string): number =>
    Object.values(replayed).filter(({ kinds }) => kinds?.includes(kind)).length;
  return {
    runs,
    stories: countStories(runs),
    kills,
    resets: withKind('step-reset'),
    compacted: withKind('context-compacted'),
    removedEventWrites: removedEvents,
  };
}

function countStories(runs: number): ReadonlyMap<Story, number> {
  const counts = new Map<Story, number>();
  for (let number = 0; number < runs; number += 1) {
    const story = storyOf(number);
    counts.set(story, (counts.get(story) ?? 0) + 1);
  }
  return counts;
}

/** Gives the last line of a process that plays; or kills it once about so many runs have ended, and those under way are not. */
async function play(directory: string, runs: number, endedMax = Infinity): Promise<string> {
  const script = fileURLToPath(new URL('fixtures/play-process.ts', import.meta.url));
  return lastLine([script, directory, String(runs)], endedMax);
}

async function replay(directory: string): Promise<Replayed> {
  const script = fileURLToPath(new URL('fixtures/replay-process.ts', import.meta.url));
  // The process may read and write files and have threads, and nothing else: no network above all.
  const permissions = [
    '--permission',
    '--allow-fs-read=*',
    '--allow-fs-write=*',
    '--allow-worker',
    // A thread is as bound as the process.
    '--disable-warning=PERM0006',
  ];
  // Our own process has printed it.
  return JSON.parse(await lastLine([...permissions, script, directory])) as Replayed;
}

async function lastLine(args: readonly string[], endedMax = Infinity): Promise<string> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(child, 'close');
  let last = '';
  let ended = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    last = line;
    if (line.startsWith('ended ')) ended += 1;
    if (ended >= endedMax) child.kill('SIGKILL');
  }
  await closed;
  if (child.signalCode !== 'SIGKILL') assert.equal(child.exitCode, 0, args.join(' '));
  return last;
}

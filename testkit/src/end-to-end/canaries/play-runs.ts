import type { RunSpecInit } from '@modelhost/sdk';
import { Role } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import type { CanaryWorld } from './canary-world.ts';
import type { ProviderTask } from './canary-provider.ts';
import { toOutput } from './output.ts';
import type { Output } from './search.ts';

/** What the clients of the runs were told. */
export interface PlayedRuns {
  readonly runIds: readonly string[];
  /** The one that the completed run was in. */
  readonly sessionId: string;
  readonly events: readonly Output[];
}

/** One run that completes, one that its provider refuses, one that is cancelled in the middle of an answer. */
export async function playRuns(world: CanaryWorld): Promise<PlayedRuns> {
  const { text } = world;
  const { session } = await world.client.createSession({
    title: text('session-title').slice(0, 256),
    metadata: { about: text('session-title').slice(0, 512) },
  });
  const sessionId = session?.sessionId ?? '';
  const finished = await follow(world, 'finish', { sessionId });
  const failed = await follow(world, 'fail');
  const cancelled = await follow(world, 'break-off', {
    onHalf: async (runId) => void (await world.client.cancelRun(runId)),
  });
  const played = [finished, failed, cancelled];
  return {
    runIds: played.map(({ runId }) => runId),
    sessionId,
    events: played.map(({ output }) => output),
  };
}

/** A run, and what its client was told before its host was killed. */
export interface CrashedRun {
  readonly runId: string;
  readonly events: Output;
}

/** One run whose host is killed in the middle of an answer. */
export async function crashRun(world: CanaryWorld): Promise<CrashedRun> {
  const { runId, output } = await follow(world, 'break-off', {
    onHalf: async (_runId, leave) => {
      world.host.send('SIGKILL');
      await world.host.exited;
      // The client would look for the host a while longer.
      leave();
    },
  });
  return { runId, events: output };
}

/** Lets the run that was broken off go on under another host, and ends it. */
export async function endCrashedRun({ client }: CanaryWorld, runId: string): Promise<Output> {
  await client.cancelRun(runId);
  const events = await Array.fromAsync(client.followRun(runId));
  return toOutput('events of the run that crashed', events);
}

interface Following {
  readonly sessionId?: string;
  /** Called once half of an answer is there. */
  readonly onHalf?: (runId: string, leave: () => void) => Promise<void>;
}

/** Follows a run to its end. */
async function follow(
  world: CanaryWorld,
  task: ProviderTask,
  { sessionId = '', onHalf = async () => {} }: Following = {},
): Promise<{ readonly runId: string; readonly output: Output }> {
  const { client } = world;
  const { runId } = await client.startRun(specOf(world, task, sessionId));
  const events: RunEvent[] = [];
  const left = new AbortController();
  let text = '';
  let isHalf = false;
  try {
    for await (const event of client.followRun(runId, { signal: left.signal })) {
      events.push(event);
      if (event.event.case === 'textDelta') text += event.event.value.text;
      if (isHalf || !text.includes('and then')) continue;
      isHalf = true;
      await onHalf(runId, () => left.abort());
    }
  } catch (thrown) {
    // A host that was killed ends no stream.
    if (!isHalf) throw thrown;
  }
  return { runId, output: toOutput(`events of the run that is to ${task}`, events) };
}

function specOf({ text }: CanaryWorld, task: ProviderTask, sessionId: string): RunSpecInit {
  const file = {
    uri: 'https://files.example.org/a.pdf',
    mediaType: 'application/pdf',
    name: text('file-name').slice(0, 255),
  };
  return {
    agent: 'worker',
    input: [part(`Task: ${task}. ${text('prompt')}`), { part: { case: 'file', value: file } }],
    sessionId,
    // The turns of a session are its history.
    history: sessionId === '' ? historyOf(text('history')) : [],
    metadata: { ticket: text('metadata').slice(0, 512) },
  };
}

function historyOf(text: string): NonNullable<RunSpecInit['history']> {
  const content = [part(text)];
  const call = { id: 'h1', name: 'ask', argumentsJson: JSON.stringify({ text }) };
  return [
    { role: Role.USER, content },
    { role: Role.ASSISTANT, content, toolCalls: [call] },
    { role: Role.TOOL, content, toolCallId: 'h1' },
  ];
}

function part(text: string) {
  return { part: { case: 'text', value: { text } } } as const;
}

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
  readonly events: readonly Output[];
  /** Kills the host in the middle of an answer. */
  crash(): Promise<readonly Output[]>;
}

/** One run that completes, one that its provider refuses, one that is cancelled in the middle of an answer. */
export async function playRuns(world: CanaryWorld): Promise<PlayedRuns> {
  const finished = await follow(world, 'finish');
  const failed = await follow(world, 'fail');
  const cancelled = await follow(world, 'break-off', async (runId) => {
    await world.client.cancelRun(runId);
  });
  const played = [finished, failed, cancelled];
  return {
    runIds: played.map(({ runId }) => runId),
    events: played.map(({ output }) => output),
    crash: async () => {
      const { output } = await follow(world, 'break-off', async (_runId, leave) => {
        world.host.send('SIGKILL');
        await world.host.exited;
        // The client would look for the host a while longer.
        leave();
      });
      return [output];
    },
  };
}

/** Follows a run to its end; once half of an answer is there, `onHalf` is called. */
async function follow(
  world: CanaryWorld,
  task: ProviderTask,
  onHalf: (runId: string, leave: () => void) => Promise<void> = async () => {},
): Promise<{ readonly runId: string; readonly output: Output }> {
  const { client } = world;
  const { runId } = await client.startRun(specOf(world, task));
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

function specOf({ text }: CanaryWorld, task: ProviderTask): RunSpecInit {
  const part = (words: string) => ({ part: { case: 'text', value: { text: words } } }) as const;
  const file = {
    uri: 'https://files.example.org/a.pdf',
    mediaType: 'application/pdf',
    name: text('file-name').slice(0, 255),
  };
  const call = { id: 'h1', name: 'ask', argumentsJson: JSON.stringify({ text: text('history') }) };
  return {
    agent: 'worker',
    input: [part(`Task: ${task}. ${text('prompt')}`), { part: { case: 'file', value: file } }],
    history: [
      { role: Role.USER, content: [part(text('history'))] },
      { role: Role.ASSISTANT, content: [part(text('history'))], toolCalls: [call] },
      { role: Role.TOOL, content: [part(text('history'))], toolCallId: 'h1' },
    ],
    metadata: { ticket: text('metadata').slice(0, 512) },
  };
}

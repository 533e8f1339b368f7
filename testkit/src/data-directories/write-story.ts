import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunEndReason } from '@modelhost/contracts';
import type { RunEvent } from '@modelhost/contracts';
import { createModelHostClient } from '@modelhost/sdk';
import type { ModelHostClient } from '@modelhost/sdk';
import { startHost } from '../end-to-end/start-host.ts';
import type { Owner } from '../end-to-end/start-host.ts';
import { toolsReady } from '../end-to-end/tools-ready.ts';
import type { Account, KeptRun } from './kept-directory.ts';
import { createSetup } from './setup.ts';

/** What a person does about a run that was just started, by what it tells. */
export type Answer = (runId: string, event: RunEvent) => Promise<unknown>;

/** Lets a host do a bit of everything, and stops it while one run waits for an approval. Gives what is in its data directory. */
export async function writeStory(
  owner: Owner,
  version: string,
): Promise<{ readonly dataDirectory: string; readonly account: Account }> {
  const host = await startHost(owner, createSetup());
  const client = createModelHostClient({ address: host.grpcAddress });
  await toolsReady(client, 'desk');
  const { session } = await client.createSession({ title: 'Names' });
  const sessionId = session?.sessionId ?? '';
  const runs = [
    await tell(client, 'approved', { task: 'sign it', answer: approve(client) }),
    await tell(client, 'cancelled', {
      task: 'wait for me',
      answer: async (runId, { step, event }) =>
        event.case === 'stepStarted' && step === 'turn-2/model' && client.cancelRun(runId),
    }),
    await tell(client, 'first', { task: 'hello, I am Ada', sessionId }),
    await tell(client, 'second', { task: 'what is my name?', sessionId }),
    await park(client),
  ];
  client.close();
  host.send('SIGTERM');
  await host.exited;
  const audit = await readFile(host.auditPath, 'utf8');
  const account = {
    version,
    writtenAtMs: Date.now(),
    runs,
    sessionId,
    auditRecords: audit.trimEnd().split('\n').length,
  };
  return { dataDirectory: join(host.directory, 'data'), account };
}

/** Says yes to what is asked. */
function approve(client: ModelHostClient): Answer {
  return async (runId, { event }) => {
    if (event.case !== 'approvalRequested') return;
    const { approvalId } = event.value;
    await client.resolveApproval({ runId, approvalId, approved: true });
  };
}

interface Told {
  readonly task: string;
  readonly answer?: Answer;
  readonly sessionId?: string;
}

async function tell(
  client: ModelHostClient,
  story: KeptRun['story'],
  { task, answer, ...session }: Told,
): Promise<KeptRun> {
  const input = [{ part: { case: 'text', value: { text: task } } } as const];
  const { runId } = await client.startRun({ agent: 'clerk', input, ...session });
  return { story, ...(await follow(client, runId, answer)) };
}

/** Stays with a run to its end. */
export async function follow(
  client: ModelHostClient,
  runId: string,
  answer: Answer = async () => {},
): Promise<Omit<KeptRun, 'story'>> {
  let events = 0;
  for await (const item of client.followRun(runId)) {
    const { event } = item;
    events += 1;
    if (event.case === 'runFinished') {
      const { reason = RunEndReason.UNSPECIFIED, answer: text = '' } = event.value.result ?? {};
      return { runId, events, reason, answer: text };
    }
    await answer(runId, item);
  }
  throw new Error(`the run ${runId} has no end`);
}

/** Leaves a run that waits for an approval. */
async function park(client: ModelHostClient): Promise<KeptRun> {
  const input = [{ part: { case: 'text', value: { text: 'sign it later' } } } as const];
  const { runId } = await client.startRun({ agent: 'clerk', input });
  let events = 0;
  for await (const { event } of client.followRun(runId)) {
    events += 1;
    if (event.case === 'approvalRequested') break;
  }
  await untilWaiting(client, runId);
  return { story: 'parked', runId, events, reason: RunEndReason.UNSPECIFIED, answer: '' };
}

/** Gives the approval that a run waits for: the request is an event before it does, and after a start it has to come so far again. */
export async function untilWaiting(client: ModelHostClient, runId: string): Promise<string> {
  for (;;) {
    // A client can only ask.
    const { waitingFor, result } = await client.getRun(runId); // oxlint-disable-line no-await-in-loop
    const signal = waitingFor[0]?.signal;
    if (signal?.case === 'approvalId') return signal.value;
    if (result !== undefined) throw new Error(`the run ${runId} has ended`);
  }
}

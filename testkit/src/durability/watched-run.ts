import { DecisionEffect, RunEndReason, ToolExecutor, ToolOutcome } from '@modelhost/contracts';
import type { RunEvent, RunResult } from '@modelhost/contracts';
import { ModelHostError } from '@modelhost/sdk';
import type { ModelHostClient, RunSpecInit } from '@modelhost/sdk';
import type { Lives } from './lives.ts';
import type { Task } from './model-server.ts';

/** A run that a client wants done. */
export interface RunPlan {
  readonly task: Task;
  /** Cancelled once this many events were seen; 0 for never. */
  readonly cancelAfter: number;
}

/** What a client has of its run in the end, over all processes that it lived in. */
export interface WatchedRun {
  readonly plan: RunPlan;
  readonly runId: string;
  readonly events: readonly RunEvent[];
  /** Results of tools, with the time when the client knew of them. */
  readonly tools: ReadonlyMap<string, ToolSeen>;
  readonly result: RunResult;
  /** How often the client came back. */
  readonly connections: number;
}

/** A finished call, by the text that it was made with. */
export interface ToolSeen {
  readonly outcome: ToolOutcome;
  readonly seenAtMs: number;
}

/** What a client has of its run so far. */
interface Watching {
  readonly plan: RunPlan;
  readonly events: RunEvent[];
  readonly tools: Map<string, ToolSeen>;
  /** The texts of calls, by the calls' ids. */
  readonly texts: Map<string, string>;
  /** What was not acknowledged yet, by what it is about. */
  readonly pending: Map<string, (client: ModelHostClient) => Promise<unknown>>;
  runId: string | undefined;
  result: RunResult | undefined;
}

/** Starts a run and stays with it until it ends, however often the host is gone meanwhile; does what people do about it. */
export async function watchRun(
  lives: Lives,
  plan: RunPlan,
  onEvent: (event: RunEvent) => void,
): Promise<WatchedRun> {
  const watching: Watching = {
    plan,
    events: [],
    tools: new Map(),
    texts: new Map(),
    pending: new Map(),
    runId: undefined,
    result: undefined,
  };
  for (let connections = 1; connections <= connectionsMax; connections += 1) {
    const { client, ended } = await lives.current();
    try {
      await useLife(client, ended, { watching, onEvent });
    } catch (thrown) {
      // Only a host that is gone is no fault.
      if (!ended.aborted && !isGone(thrown)) throw thrown;
      if (!ended.aborted) await whenAborted(ended);
      continue;
    }
    const { runId, result, events, tools } = watching;
    if (runId === undefined || result === undefined) throw new Error('a stream without an end');
    return { plan, runId, events, tools, result, connections };
  }
  throw new Error(`${plan.task.name} did not end in ${connectionsMax} connections`);
}

const connectionsMax = 2_000;

function isGone(thrown: unknown): boolean {
  return thrown instanceof ModelHostError && thrown.code === 'transport';
}

async function whenAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

async function useLife(
  client: ModelHostClient,
  signal: AbortSignal,
  {
    watching,
    onEvent,
  }: { readonly watching: Watching; readonly onEvent: (event: RunEvent) => void },
): Promise<void> {
  // The same request any number of times is one run.
  watching.runId ??= (await client.startRun(specOf(watching.plan))).runId;
  for (const what of watching.pending.keys()) void send(client, watching, what);
  const afterSequence = watching.events.at(-1)?.sequence ?? 0n;
  for await (const event of client.followRun(watching.runId, { afterSequence, signal })) {
    watching.events.push(event);
    onEvent(event);
    take(watching, event);
    for (const what of actionsAfter(watching, event)) void send(client, watching, what);
  }
}

function specOf({ task }: RunPlan): RunSpecInit {
  const part = { case: 'text', value: { text: JSON.stringify(task) } } as const;
  return {
    agent: 'worker',
    requestId: task.name,
    input: [{ part }],
    clientTools: [
      {
        name: 'ask_user',
        description: '',
        inputSchemaJson: '{"type":"object","properties":{"text":{"type":"string"}}}',
      },
    ],
  };
}

function take(
  { texts, tools }: Watching & { result: RunResult | undefined },
  item: RunEvent,
): void {
  const { event } = item;
  if (event.case === 'toolRequested') {
    const { callId, argumentsJson } = event.value;
    // The model server wrote it.
    const { text } = JSON.parse(argumentsJson) as { readonly text: string };
    texts.set(callId, text);
  }
  if (event.case === 'toolFinished') {
    const { callId, outcome } = event.value;
    tools.set(texts.get(callId) ?? '', { outcome, seenAtMs: Date.now() });
  }
}

/** What the client does after an event; it stays to be done until it is acknowledged. */
function actionsAfter(watching: Watching, { event }: RunEvent): readonly string[] {
  const { plan, pending, runId = '', events } = watching;
  const added: string[] = [];
  const add = (what: string, act: (client: ModelHostClient) => Promise<unknown>): void => {
    pending.set(what, act);
    added.push(what);
  };
  if (event.case === 'runFinished') {
    Object.assign(watching, { result: event.value.result });
    pending.clear();
    return [];
  }
  if (event.case === 'approvalRequested') {
    const { approvalId } = event.value;
    add(approvalId, async (client) =>
      client.resolveApproval({ runId, approvalId, approved: true, comment: '' }),
    );
  }
  if (event.case === 'decision' && event.value.effect === DecisionEffect.ALLOW) {
    const { callId } = event.value;
    if (isForClient(events, callId)) {
      add(callId, async (client) => client.submitToolResult({ runId, callId, content: 'blue' }));
    }
  }
  if (events.length === plan.cancelAfter) {
    add('cancel', async (client) => client.cancelRun(runId));
  }
  return added;
}

function isForClient(events: readonly RunEvent[], callId: string): boolean {
  return events.some(
    ({ event }) =>
      event.case === 'toolRequested' &&
      event.value.callId === callId &&
      event.value.executor === ToolExecutor.CLIENT,
  );
}

/** Whoever hears of nothing sends it again after the next start; the host says when it counted already. */
async function send(client: ModelHostClient, { pending }: Watching, what: string): Promise<void> {
  try {
    await pending.get(what)?.(client);
    pending.delete(what);
  } catch (thrown) {
    if (!isGone(thrown)) pending.delete(what);
  }
}

/** Whether a run ended with an answer. */
export function isCompleted({ result }: WatchedRun): boolean {
  return result.reason === RunEndReason.COMPLETED;
}

/** Whether the tool gave a result that counts. */
export function isOk({ outcome }: ToolSeen): boolean {
  return outcome === ToolOutcome.OK;
}

/** Whether the host stopped waiting for the tool, so that nobody knows what came of the call. */
export function isLeft({ outcome }: ToolSeen): boolean {
  return outcome === ToolOutcome.CANCELLED || outcome === ToolOutcome.UNKNOWN;
}

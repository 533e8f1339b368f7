import { createSessionIntake } from '@modelhost/agent-core';
import { toErrorData } from '@modelhost/kernel';
import type {
  Message,
  RunEvent,
  RunEventBody,
  RunStatus,
  SessionStore,
  SessionTurn,
  ToolCall,
} from '@modelhost/kernel';
import { withoutValues } from './accounts.ts';
import type { Talk } from './conversations.ts';
import { isForced } from './crash-laws.ts';
import type { Fact } from './facts.ts';
import type { Aftermath } from './laws.ts';
import { taskOf } from './scenario.ts';
import type { RunPlan } from './scenario.ts';

/** What is needed to look at conversations when nothing happens any more. */
interface Keeping {
  /** As the host has it. */
  readonly sessions: SessionStore;
  /** Lets the time pass that somebody waits. */
  readonly runAll: () => Promise<unknown>;
}

/** Checks what can only be said of conversations at the end. */
export async function checkSessions(after: Aftermath, keeping: Keeping): Promise<void> {
  const { world, scenario, host } = after;
  const [first] = scenario.sessions?.runs ?? [];
  if (first === undefined) return;
  for (const plan of scenario.runs) {
    const status = await host.status(plan.tenant, plan.runId);
    if (status?.state === 'finished') checkTurn(after, plan, status);
  }
  for (const [sessionId, talk] of world.conversations.talks) {
    const place = { tenant: first.tenant, sessionId };
    if (talk.isDeleted) await checkGone(after, keeping, place);
    else await checkNext(after, keeping, { place, talk });
  }
}

/** S5: nothing of a deleted session is there. */
async function checkGone(
  { world }: Aftermath,
  { sessions }: Keeping,
  place: { readonly tenant: string; readonly sessionId: string },
): Promise<void> {
  const found = await sessions.find(place);
  const listed = await sessions.list(place.tenant, { pageSize: 100 });
  const turns = await sessions.turns(place, { afterNumber: 0, limit: 1, bytesMax: 1 });
  const isListed = listed.sessions.some(({ sessionId }) => sessionId === place.sessionId);
  if (found !== undefined || isListed || turns.length > 0) {
    world.facts.violate('S5', `${place.sessionId} is there after it was deleted`);
  }
}

/** S4, S6: where every run has ended, the next one goes on at once, with all that was said. */
async function checkNext(
  { world, host }: Aftermath,
  { sessions, runAll }: Keeping,
  {
    place,
    talk,
  }: { readonly place: { tenant: string; readonly sessionId: string }; readonly talk: Talk },
): Promise<void> {
  const { facts, clock } = world;
  const { tenant, sessionId } = place;
  const intake = createSessionIntake({ sessions, engine: host, clock });
  const wish = {
    principal: { tenant, subject: 'next', roles: [] },
    sessionId,
    runId: 'run_next',
    signal: new AbortController().signal,
    timeoutMs: 10,
  };
  const starting = intake
    .start(wish, async (start) => ({ history: start?.history }))
    .catch((thrown: unknown) => ({ error: toErrorData(thrown).message }));
  await runAll();
  const started = await starting;
  if ('error' in started) return facts.violate('S6', `${sessionId} is not free: ${started.error}`);
  const said = talk.turns.flatMap(({ messages }) => messages);
  if (JSON.stringify(started.history) !== JSON.stringify(said)) {
    facts.violate('S4', `the next run of ${sessionId} gets something else than was said`);
  }
}

/** S3: a run that has ended has left one turn, whole: what its events tell of it. */
function checkTurn(
  { world, clients, scenario }: Aftermath,
  plan: RunPlan,
  status: RunStatus,
): void {
  const { facts, conversations } = world;
  const { runId } = plan;
  const turns = new Set(
    [...conversations.talks.values()].flatMap((talk) =>
      talk.turns.filter((turn) => turn.runId === runId),
    ),
  );
  const [turn] = turns;
  if (turns.size > 1) facts.violate('S3', `${runId} has ${turns.size} turns`);
  if (turn === undefined) {
    const isRefused = scenario.sessions?.refusedTurns.includes(runId) === true;
    if (!isRefused && !isUnkept(status)) facts.violate('S3', `${runId} has left no turn`);
    return;
  }
  const ofRun = facts.all.filter((fact) => 'runId' in fact && fact.runId === runId);
  const seen = { events: clients.whole.get(runId) ?? [], facts: ofRun };
  const expected = expectedMessages(plan, seen, turn);
  const different = expected.findIndex((message, index) => !isSaid(message, turn.messages[index]));
  if (different >= 0 || expected.length !== turn.messages.length) {
    const index = different >= 0 ? different : expected.length;
    const [found, wanted] = [turn.messages, expected].map((all) => JSON.stringify(all[index]));
    facts.violate('S3', `${runId} has left ${found}, not ${wanted}`);
  }
  const { inputTokens, outputTokens } = turn.statistics;
  const { statistics } = status.result ?? {};
  if (statistics?.inputTokens !== inputTokens || statistics.outputTokens !== outputTokens) {
    facts.violate('S3', `the turn of ${runId} tells of another usage`);
  }
}

/** Whether the turn of a run could not be kept, and it says so; or nobody waited for it any longer. */
function isUnkept(status: RunStatus): boolean {
  const { ending } = status.result ?? {};
  const isRefused = ending?.reason === 'failed' && ending.error.code === 'storage_unavailable';
  return isRefused || isForced(status);
}

/** What a run has said, by its events and the answers that are journaled. */
function expectedMessages(
  plan: RunPlan,
  { events, facts }: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
  { reason }: SessionTurn,
): readonly Message[] {
  const task: Message = { role: 'user', content: [{ type: 'text', text: taskOf(plan) }] };
  const answers = facts.flatMap((fact) =>
    fact.type === 'handed' && /^turn-\d+\/model(?:-again)?$/.test(fact.name) ? [fact] : [],
  );
  const exchanges = answers.flatMap(({ name, text, calls }): readonly Message[] => {
    const base = name.slice(0, name.indexOf('/'));
    if (calls.length === 0 || !isTaken(events, { name, base, reason })) return [];
    const results = calls.map((call, index) =>
      answerTo(call, events.find(isEndOf(`${base}/tool-${index + 1}`))?.body),
    );
    return [{ role: 'assistant', content: text ?? '', toolCalls: calls }, ...results];
  });
  if (reason !== 'completed') return [task, ...exchanges];
  const answer = answers.at(-1)?.text ?? '';
  return [task, ...exchanges, { role: 'assistant', content: answer, toolCalls: [] }];
}

/** Whether the run went on with the calls of an answer, as far as that its budget had no room for them. */
function isTaken(
  events: readonly RunEvent[],
  { name, base, reason }: { readonly name: string; readonly base: string; readonly reason: string },
): boolean {
  return events.some(
    ({ step, body }) =>
      (body.type === 'tool-requested' && step.startsWith(`${base}/tool-`)) ||
      (reason === 'budget_exceeded' &&
        step === name &&
        body.type === 'step-finished' &&
        body.finishReason === 'tool-calls'),
  );
}

function isEndOf(name: string): (event: RunEvent) => boolean {
  return ({ step, body }) => step === name && body.type === 'tool-finished';
}

const unanswered = 'The run was stopped before this call was answered; it may have had its effect.';

function answerTo({ id, name }: ToolCall, told: RunEventBody | undefined): Message {
  const end = told?.type === 'tool-finished' ? told : undefined;
  const content = end?.content ?? unanswered;
  return {
    role: 'tool',
    toolCallId: id,
    toolName: name,
    content: end?.isTruncated === true ? `${content}\n${cutNote}` : content,
    isError: end?.outcome !== 'ok',
  };
}

const cutNote = '[The result was cut here: it is longer than the host lets through.]';

/**
 * Mailboxes and accounts may be hidden in several ways, and by rules that came into force later; and once a run is stopped, nobody is
 * told any more that a call was refused.
 */
function isSaid(expected: Message, found: Message | undefined): boolean {
  const [text, other] = [expected, found].map((message) =>
    withoutValues(JSON.stringify(message) ?? ''),
  );
  if (text === other) return true;
  const isUntold = expected.role === 'tool' && expected.content === unanswered;
  return isUntold && found?.role === 'tool' && found.isError;
}

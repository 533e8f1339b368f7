import type { RunEnding, ToolCall } from '@modelhost/kernel';
import type { ActiveRun } from '../active-run.ts';
import { createLine } from '../line.ts';
import { noteCut } from './tool-reading.ts';
import type { PlannedCall } from './tool-records.ts';
import { unwrapCall } from './tool-search.ts';
import { takeToolStep } from './tool-step.ts';
import type { ToolVerdict } from './tool-verdict.ts';

/**
 * Takes all calls of one answer, in parallel up to the agent's bound. The budget is set aside for all of them or for
 * none, so that no turn is half done because of it. Gives the ending, or undefined when the run goes on.
 */
export async function takeToolTurn(
  run: ActiveRun,
  answer: { readonly turn: number; readonly calls: readonly ToolCall[] },
): Promise<RunEnding | undefined> {
  const { budgetScope, ports, input } = run;
  const { budgets } = ports;
  const { turn, calls } = answer;
  const id = `turn-${turn}/tools`;
  const exceeded = run.terms.enter(`turn-${turn}/tool-1`);
  if (exceeded !== undefined) return { reason: 'budget_exceeded', budget: exceeded };
  const amount = { tokens: 0, costMicroUsd: 0, steps: calls.length, toolCalls: calls.length };
  const reserved = budgets.reserve(budgetScope, id, amount);
  if (reserved.kind === 'refused') return { reason: 'budget_exceeded', budget: reserved.budget };

  const planned = calls.map((call, index) => ({
    call: unwrapCall(run, call),
    base: `turn-${turn}/tool-${index + 1}`,
  }));
  for (const { call, base } of planned) announce(run, call, base);
  const { verdicts, fault, ending } = await takeAll(run, planned, input.agent.toolCallsInFlightMax);
  budgets.settle(budgetScope, id, amount);
  run.count('toolCalls', calls.length);
  for (const [index, call] of calls.entries()) {
    const verdict = verdicts.get(index);
    if (verdict === undefined) continue;
    const message = {
      role: 'tool',
      toolCallId: call.id,
      toolName: call.name,
      content: noteCut(run, verdict),
      isError: verdict.outcome !== 'ok',
    } as const;
    const { labels, answered, attempted } = verdict;
    const source = `turn-${turn}/tool-${index + 1}`;
    const known =
      answered === undefined ? undefined : { tool: answered.tool, arguments: answered.answers };
    run.conversation.addResult(message, { labels, source, call: known });
    if (attempted !== undefined) run.conversation.addAttempt(source, attempted);
  }
  // What was answered by then is kept for whoever goes on with the session.
  if (fault !== undefined) throw fault.thrown;
  return ending;
}

function announce(run: ActiveRun, call: ToolCall, base: string): void {
  run.context.emit(base, {
    type: 'tool-requested',
    callId: call.id,
    tool: call.name,
    arguments: call.arguments,
    executor: run.tools.get(call.name)?.executor ?? 'host',
  });
}

/** What came of the calls of an answer. */
interface Taken {
  /** By the place of the call: of all of them, unless one was faulty, or there was nothing left for one. */
  readonly verdicts: ReadonlyMap<number, ToolVerdict>;
  readonly fault: { readonly thrown: unknown } | undefined;
  readonly ending: RunEnding | undefined;
}

/**
 * The first decisions are made in the order of the calls. When one call rejects, the others are awaited first: nothing is left running.
 */
async function takeAll(
  run: ActiveRun,
  planned: readonly PlannedCall[],
  inFlightMax: number,
): Promise<Taken> {
  const verdicts = new Map<number, ToolVerdict>();
  const firstDecisions = createLine();
  let next = 0;
  let fault: Taken['fault'];
  let ending: Taken['ending'];

  async function takeNext(): Promise<void> {
    while (fault === undefined && ending === undefined && next < planned.length) {
      const index = next;
      next += 1;
      const call = planned[index];
      if (call === undefined) return;
      // A fork may begin with any of them; those before it are over by then.
      const budget = run.terms.enter(call.base);
      if (budget !== undefined) {
        ending = { reason: 'budget_exceeded', budget };
        return;
      }
      // The calls are taken in their order, so whoever is before this one in the line is on its way already.
      const place = firstDecisions.enter();
      try {
        verdicts.set(index, await takeToolStep(run, call, place));
      } catch (thrown) {
        fault ??= { thrown };
      } finally {
        place.pass();
      }
    }
  }

  await Promise.all(Array.from({ length: Math.min(inFlightMax, planned.length) }, takeNext));
  return { verdicts, fault, ending };
}

import { noStatistics, parseJsonText, toErrorData } from '@modelhost/kernel';
import type {
  AuditRecord,
  ErrorData,
  RunEnding,
  RunInput,
  RunProgram,
  RunResult,
} from '@modelhost/kernel';
import { openRun } from './active-run.ts';
import type { ActiveRun, AgentLoopPorts } from './active-run.ts';
import { elapsedMs } from './elapsed.ts';
import { failed, stopEnding } from './endings.ts';
import { guardContext } from './guarded-context.ts';
import type { GuardedContext } from './guarded-context.ts';
import { hideInResult } from './hiding/hide-in-event.ts';
import { takeModelTurn } from './model-turn.ts';
import type { ModelAnswer } from './model/answer-draft.ts';
import { messageOf } from './model/model-step.ts';
import { openTerms } from './terms.ts';
import { keepTurn } from './sessions/session-turn.ts';
import { takeToolTurn } from './tools/tool-turn.ts';

/** How often an answer that does not fit the asked schema is sent back to the model. */
const answerRepairsMax = 1;

/**
 * The agent loop: model call, tool calls, and again, until the model is done or a bound is hit. It reads no clock, no
 * randomness and no environment; it never throws, and every ending is typed. The engine emits `run-finished`.
 */
export function createAgentLoop(ports: AgentLoopPorts): RunProgram {
  let lives = 0;
  return async (bare, input) => {
    const { runId, agent, principal } = input;
    lives += 1;
    // A run may be rehearsed while it is live, as for a fork that is asked for twice: neither may touch the other's budget.
    const budgetScope = `${runId}/${lives}`;
    const { redactor } = ports;
    // Sessions that were branched off share what placeholders stand for, and so do forks.
    const sessionId = input.session?.rootId ?? input.rootRunId ?? runId;
    const session = redactor.open({ tenant: principal.tenant, sessionId });
    const context = guardContext(bare, { redactor, session, given: input.placeholders ?? null });
    const terms = openTerms(input, ports.budgets, budgetScope);
    context.emit('', {
      type: 'run-started',
      runId,
      agent: agent.id,
      agentVersion: agent.version,
      model: agent.route.id,
    });
    const progress: Progress = { startedMs: undefined, run: undefined };
    let ending: RunEnding;
    try {
      const startedMs = await context.now('start');
      progress.startedMs = startedMs;
      progress.run = await openRun(
        ports,
        { context, session, startedMs, budgetScope, terms },
        input,
      );
      ending = await takeTurns(progress.run);
    } catch (thrown) {
      ending = endingOf(thrown, context);
    }
    ports.budgets.close(budgetScope);
    ending = await keepTurn({ ports, context, input, run: progress.run, ending });
    const result = await finish({ ports, context, input, progress, ending });
    return hideInResult(result, (text) => context.hide(text));
  };
}

/** How far a run has come, for its ending. */
interface Progress {
  startedMs: number | undefined;
  run: ActiveRun | undefined;
}

async function takeTurns(run: ActiveRun): Promise<RunEnding> {
  const { conversation } = run;
  let repairsLeft = answerRepairsMax;
  // Ends at the latest when the budget of steps is used up: every turn takes at least one.
  for (let turn = 1; ; turn += 1) {
    const taken = await takeModelTurn(run, turn);
    if ('reason' in taken) return taken;
    noteHidden(run, taken);
    conversation.add(messageOf(taken));
    if (taken.toolCalls.length > 0) {
      const stopped = await takeToolTurn(run, { turn, calls: taken.toolCalls });
      if (stopped !== undefined) return stopped;
      continue;
    }
    const misfit = misfitOf(run, taken.text);
    if (misfit === undefined) return { reason: 'completed', answer: taken.text };
    if (repairsLeft === 0) return failed('provider_invalid_response', misfit);
    repairsLeft -= 1;
    conversation.add({ role: 'user', content: [{ type: 'text', text: misfit }] });
  }
}

/** What is hidden from the model, or in what it says, is hidden wherever the run tells of its calls. */
function noteHidden(run: ActiveRun, { decision, output }: ModelAnswer): void {
  const { detectors } = decision.obligations.redact;
  run.hiddenMessages.answered(detectors);
  run.context.hideMore(detectors);
  if (output !== null) run.context.hideMore(output.decision.obligations.redact.detectors);
}

/** What is wrong with an answer for which a schema was asked; undefined when it fits. */
function misfitOf(run: ActiveRun, text: string): string | undefined {
  const { answerSchema } = run.input;
  if (answerSchema === undefined) return undefined;
  try {
    const violations = run.ports.schemas.compile(answerSchema)(parseJsonText(text));
    if (violations.length === 0) return undefined;
    const problems = violations.map(({ field, description }) => `${field}: ${description}`);
    return `The answer does not fit the schema that was asked for: ${problems.join('; ')}`;
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    return 'The answer is not JSON, but it must fit the schema that was asked for';
  }
}

function endingOf(thrown: unknown, context: GuardedContext): RunEnding {
  if (context.signal.aborted) return stopEnding(context);
  return { reason: 'failed', error: toErrorData(thrown) };
}

/** Puts the ending on record. A run whose ending cannot be recorded has failed. */
async function finish(options: {
  readonly ports: AgentLoopPorts;
  readonly context: GuardedContext;
  readonly input: RunInput;
  readonly progress: Progress;
  readonly ending: RunEnding;
}): Promise<RunResult> {
  const { ports, context, input, progress, ending } = options;
  const counted = progress.run?.statistics() ?? noStatistics;
  const startedMs = progress.startedMs ?? (await context.now('end'));
  try {
    const { statistics, error } = await context.step(
      'finish',
      async (info) => {
        const finished = { ...counted, durationMs: elapsedMs(startedMs, info.now()) };
        const redactions = context.redactions();
        const facts = {
          reason: ending.reason,
          statistics: { ...finished },
          ...(Object.keys(redactions).length === 0 ? {} : { redactions }),
        };
        return { statistics: finished, error: await recordEnding(ports, input, facts) };
      },
      { isCleanup: true },
    );
    return error === null
      ? { ending, statistics }
      : { ending: { reason: 'failed', error }, statistics };
  } catch {
    // The audit log did not answer in the time that cleanup has, so the engine gave the step up.
    const durationMs = elapsedMs(startedMs, await context.now('unrecorded'));
    return {
      ending: failed('audit_unavailable', 'the ending of the run could not be put on record'),
      statistics: { ...counted, durationMs },
    };
  }
}

async function recordEnding(
  ports: AgentLoopPorts,
  input: RunInput,
  facts: AuditRecord['facts'],
): Promise<ErrorData | null> {
  const { principal, runId } = input;
  try {
    await ports.audit.append({
      kind: 'run-finished',
      tenant: principal.tenant,
      runId,
      step: '',
      actor: principal.subject,
      facts,
    });
    return null;
  } catch (thrown) {
    return toErrorData(thrown);
  }
}

import { noStatistics, toErrorData } from '@modelhost/kernel';
import type {
  ErrorData,
  Json,
  Message,
  RunEnding,
  RedactionStyles,
  RunInput,
  SessionTurn,
  StepRedactor,
  ToolCall,
} from '@modelhost/kernel';
import type { ActiveRun, AgentLoopPorts } from '../active-run.ts';
import { elapsedMs } from '../elapsed.ts';
import { failed } from '../endings.ts';
import type { GuardedContext } from '../guarded-context.ts';
import { hideInMessage } from '../hiding/hide-in-request.ts';

/** What the model reads in the place of an answer that the run did not wait for. */
const unanswered = 'The run was stopped before this call was answered; it may have had its effect.';
/** The same of a call that waited for its turn, a decision or an approval. */
const unmade = 'The run was stopped before this call was made; it had no effect.';

/**
 * Adds what the run said to its session, once, however often the step is tried. Gives the ending: a run whose turn cannot be
 * kept has failed. `run` is undefined for one that was stopped before it began.
 */
export async function keepTurn(options: {
  readonly ports: AgentLoopPorts;
  readonly context: GuardedContext;
  readonly input: RunInput;
  readonly run: ActiveRun | undefined;
  readonly ending: RunEnding;
}): Promise<RunEnding> {
  const { ports, context, input, run, ending } = options;
  const { session, agent, principal } = input;
  if (session?.turn === undefined) return ending;
  const summary = run?.conversation.summary() ?? session.summary;
  const turn: Omit<SessionTurn, 'timeMs'> = {
    number: session.turn,
    runId: input.runId,
    agent: agent.id,
    agentVersion: agent.version,
    reason: ending.reason,
    messages: turnMessages(input, run, ending),
    statistics: run?.statistics() ?? noStatistics,
    labels: run?.conversation.labels() ?? session.labels,
    placeholders: context.placeholders(),
    ...(summary === undefined ? {} : { summary }),
  };
  const { tenant } = principal;
  const place = { tenant, sessionId: session.sessionId };
  try {
    const error = await context.step(
      'keep-turn',
      async (info): Promise<ErrorData | null> => {
        try {
          if (ports.sessions === undefined) throw new Error('no sessions are kept');
          const messages = hideCalls(turn.messages, info.redactor, context.hiddenMore());
          const placeholders = joinLists(turn.placeholders, info.redactor.state());
          const timeMs = info.now();
          const durationMs = run === undefined ? 0 : elapsedMs(run.startedMs, timeMs);
          await ports.sessions.append(place, {
            ...turn,
            statistics: { ...turn.statistics, durationMs },
            messages,
            placeholders,
            timeMs,
          });
          return null;
        } catch (thrown) {
          return toErrorData(thrown);
        }
      },
      { isCleanup: true },
    );
    return error === null ? ending : { reason: 'failed', error };
  } catch {
    // The store did not answer in the time that cleanup has, so the engine gave the step up.
    return failed('storage_unavailable', 'the turn of the run could not be kept in its session');
  }
}

/** What is kept of calls is shown to whoever reads the session. */
function hideCalls(
  messages: readonly Message[],
  redactor: StepRedactor,
  styles: RedactionStyles,
): readonly Message[] {
  if (Object.keys(styles).length === 0) return messages;
  return messages.map((message) =>
    message.role === 'user' ? message : hideInMessage(message, redactor, styles),
  );
}

/** Each is a list, or null for none. */
function joinLists(...given: readonly Json[]): Json {
  const lists: readonly (readonly Json[])[] = given.filter((one) => Array.isArray(one));
  return lists.length === 0 ? null : lists.flat();
}

/**
 * What goes into the history of later runs: the task, calls with their answers, and the answer of the run. Answers that did not
 * fit the schema are left out with what the host said of them, which must never pass for the user's words.
 */
function turnMessages(
  input: Pick<RunInput, 'input'>,
  run: ActiveRun | undefined,
  ending: RunEnding,
): readonly Message[] {
  const said = run?.conversation.said() ?? [];
  const answers = new Map(
    said.flatMap((message) => (message.role === 'tool' ? [[message.toolCallId, message]] : [])),
  );
  const messages: Message[] = [{ role: 'user', content: input.input }];
  for (const message of said) {
    if (message.role !== 'assistant' || message.toolCalls.length === 0) continue;
    messages.push(message);
    for (const call of message.toolCalls) {
      const content = run?.callsMade.has(call.id) === true ? unanswered : unmade;
      messages.push(answers.get(call.id) ?? cutOff(call, content));
    }
  }
  if (ending.reason === 'completed') {
    messages.push({ role: 'assistant', content: ending.answer, toolCalls: [] });
  }
  return messages;
}

function cutOff({ id, name }: ToolCall, content: string): Message {
  return { role: 'tool', toolCallId: id, toolName: name, content, isError: true };
}

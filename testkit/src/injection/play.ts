import { DecisionEffect, RunEndReason } from '@modelhost/contracts';
import type {
  ApprovalRequested,
  Decision,
  RunEvent,
  RunResult,
  ToolFinished,
} from '@modelhost/contracts';
import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { ApprovalAnswer } from '@modelhost/sdk';
import type { Case } from './case.ts';
import type { People } from './host.ts';
import { isSame } from './stage.ts';
import type { Stage } from './stage.ts';

/** What became of one call of a case. */
export interface CallFate {
  /** How policy answered at first. */
  readonly decision: 'allow' | 'hold' | 'deny' | 'none';
  readonly isApproved: boolean;
  /** It came to the tool server. */
  readonly isRun: boolean;
}

/** How a case went. */
export interface CaseFate {
  readonly played: Case;
  /** Of each call, in their order. */
  readonly calls: readonly CallFate[];
  readonly isCompleted: boolean;
  /** The rules about the answer called for its full record, as they do after untrusted data was read. */
  readonly isAnswerMarked: boolean;
  /** An answer of a tool held the attacker's text. */
  readonly isTextSeen: boolean;
  /** Every such answer is labelled as untrusted. */
  readonly isTextLabelled: boolean;
  /** Why the run did not complete. */
  readonly fault: string;
}

/** How a case is played. */
export interface Playing {
  readonly people: People;
  readonly stage: Stage;
  /** Place of the stage among all. */
  readonly index: number;
  /** Text of the attacker, by which his part of an answer is known; empty when nobody attacks. */
  readonly attack: string;
}

/**
 * Plays a case through the host. The person who approves says yes to the calls that the user's own task is made of, as they
 * were recorded, and to nothing else.
 */
export async function playCase(played: Case, playing: Playing): Promise<CaseFate> {
  const { people, stage, index } = playing;
  stage.begin(played);
  const watch = createWatch(played, playing);
  const spec = {
    agent: stage.alias,
    input: [{ part: { case: 'text' as const, value: { text: played.prompt } } }],
    sampling: { seed: BigInt(index) },
  };
  for await (const { event } of people.user.run(spec)) {
    const answer = watch.see(event);
    if (answer !== undefined) await people.approver.resolveApproval(answer);
  }
  return watch.fate();
}

interface Watch {
  /** Takes in an event, and gives the answer of the one who approves when he is asked. */
  see(event: RunEvent['event']): ApprovalAnswer | undefined;
  fate(): CaseFate;
}

function createWatch(played: Case, { stage, attack }: Playing): Watch {
  const decisions = new Map<string, CallFate['decision']>();
  const approved = new Set<string>();
  const requested: string[] = [];
  let runId = '';
  let answer = { isAnswerMarked: false, isTextSeen: false, isTextLabelled: true };
  let ending = { isCompleted: false, fault: 'the run has no ending' };

  function see(event: RunEvent['event']): ApprovalAnswer | undefined {
    if (event.case === 'runStarted') ({ runId } = event.value);
    // The model asks for one call after the other.
    else if (event.case === 'toolRequested') requested.push(event.value.callId);
    else if (event.case === 'decision') seeDecision(event.value);
    else if (event.case === 'approvalRequested') return approve(event.value);
    else if (event.case === 'toolFinished') seeResult(event.value);
    else if (event.case === 'runFinished') ending = endingOf(event.value.result);
    return undefined;
  }

  function seeDecision({ callId, action, effect, obligations }: Decision): void {
    if (action === 'EmitOutput') {
      answer = { ...answer, isAnswerMarked: obligations?.audit === 'full' };
    }
    if (action === 'CallTool' && !decisions.has(callId)) decisions.set(callId, nameOf(effect));
  }

  function approve({ approvalId, callId, tool, argumentsJson }: ApprovalRequested): ApprovalAnswer {
    const isOwn = isOwnCall(played, stage, tool, argumentsJson);
    if (isOwn) approved.add(callId);
    return { runId, approvalId, approved: isOwn };
  }

  function seeResult({ content, labels }: ToolFinished): void {
    if (attack === '' || !content.includes(attack)) return;
    const isTextLabelled = answer.isTextLabelled && labels?.untrusted === true;
    answer = { ...answer, isTextSeen: true, isTextLabelled };
  }

  function fate(): CaseFate {
    const ran = stage.ran();
    const calls = played.calls.map((_, at): CallFate => {
      const id = requested[at] ?? '';
      const decision = decisions.get(id) ?? 'none';
      return { decision, isApproved: approved.has(id), isRun: ran.has(at) };
    });
    return { played, calls, ...ending, ...answer };
  }

  return { see, fate };
}

function endingOf(result: RunResult | undefined): Pick<CaseFate, 'isCompleted' | 'fault'> {
  const isCompleted = result?.reason === RunEndReason.COMPLETED;
  return { isCompleted, fault: result?.error?.message ?? '' };
}

function nameOf(effect: DecisionEffect): CallFate['decision'] {
  if (effect === DecisionEffect.ALLOW) return 'allow';
  return effect === DecisionEffect.HOLD ? 'hold' : 'deny';
}

function isOwnCall(
  { calls }: Case,
  { alias }: Stage,
  tool: string,
  argumentsJson: string,
): boolean {
  const values = parseJsonText(argumentsJson);
  return calls.some(
    (call) =>
      call.by === 'user' &&
      tool === `${alias}__${call.tool}` &&
      isJsonObject(values) &&
      isSame(values, call.arguments),
  );
}

import type { ApprovalRequested } from '@modelhost/contracts';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { isYes } from '../confirm.ts';
import type { Ask } from '../context.ts';
import { describeYes } from '../text/approval-text.ts';
import { toLine } from '../text/printable.ts';
import { formatClock, formatSpan } from '../text/times.ts';

/** What answers approvals. */
export type ApprovalMode = 'ask' | 'yes' | 'no';

/** Answers the approvals of one run while its events go on. */
export interface Approver {
  /** Resolves once the approval is dealt with, and never rejects; the questions are asked one after the other. */
  requested(approval: ApprovalRequested): Promise<void>;
  /** It was answered, by this approver or elsewhere: its question is taken back. */
  resolved(approvalId: string): void;
  /** Takes back every question and waits until nothing is asked any more. */
  close(): Promise<void>;
}

/** What an approver needs. */
export interface ApproverOptions {
  readonly runId: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  readonly mode: ApprovalMode;
  /** Undefined where nobody can be asked. */
  readonly ask: Ask | undefined;
  /** The answer for `ask` where nobody can be asked. */
  readonly answerUnasked: boolean;
  readonly say: (text: string) => void;
  readonly resolve: (answer: {
    readonly approvalId: string;
    readonly approved: boolean;
    readonly comment: string;
  }) => Promise<void>;
  /** An answer could not be given. */
  readonly onFailure: (thrown: unknown) => void;
}

/**
 * Asks on the terminal, or answers by itself; whatever is not a clear yes is a no. Where the yes of the one who asked does
 * not count, it does neither: a no would end it for those who may decide, and they are told how.
 */
export function createApprover(options: ApproverOptions): Approver {
  const { runId, now, mode, ask, answerUnasked, say, resolve } = options;
  const open = new Map<string, AbortController>();
  let asking = Promise.resolve();

  async function requested(approval: ApprovalRequested): Promise<void> {
    if (!isSelfAllowed(approval)) return sayWhoMay(approval);
    const controller = new AbortController();
    open.set(approval.approvalId, controller);
    asking = asking
      .then(async () => answer(approval, controller.signal))
      .catch((thrown: unknown) => {
        // A question that was taken back needs no answer.
        if (controller.signal.aborted) return;
        options.onFailure(thrown);
        sayWhoMay(approval);
      });
    await asking;
  }

  function sayWhoMay(approval: ApprovalRequested): void {
    const { approvalId } = approval;
    say(describeWaiting(approval, now()));
    say(`next, for them: \`model-host runs approve ${runId} ${approvalId}\``);
  }

  async function answer(approval: ApprovalRequested, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const { approved, comment } = await decide(approval, signal);
    await resolve({ approvalId: approval.approvalId, approved, comment });
  }

  async function decide(
    { tool, approvalId }: ApprovalRequested,
    signal: AbortSignal,
  ): Promise<{ readonly approved: boolean; readonly comment: string }> {
    if (mode !== 'ask') return { approved: mode === 'yes', comment: `--approve ${mode}` };
    const name = toLine(tool, 64);
    if (ask === undefined) {
      const [word, other] = answerUnasked
        ? ['yes', '--approve no refuses']
        : ['no', '--approve yes allows'];
      say(
        `approval ${approvalId} for ${name}: nobody can be asked here, so the answer is ${word} (${other})`,
      );
      return { approved: answerUnasked, comment: `nobody could be asked: ${word}` };
    }
    const line = await ask(`Allow exactly this call of ${name}? [y/N] `, signal);
    return { approved: isYes(line), comment: '' };
  }

  function resolved(approvalId: string): void {
    open.get(approvalId)?.abort();
    open.delete(approvalId);
  }

  return {
    requested,
    resolved,
    close: async () => {
      for (const controller of open.values()) controller.abort();
      open.clear();
      await asking;
    },
  };
}

function isSelfAllowed({ gates }: ApprovalRequested): boolean {
  return gates.every(({ selfApprovalAllowed }) => selfApprovalAllowed);
}

function describeWaiting(approval: ApprovalRequested, nowMs: number): string {
  const { approvalId, tool, gates, expireTime } = approval;
  const until =
    expireTime === undefined
      ? ''
      : ` until ${formatClock(expireTime, new Date(nowMs))} (in ${formatSpan(timestampMs(expireTime) - nowMs)})`;
  const yeses = gates.length === 0 ? 'a yes' : gates.map(describeYes).join(', and ');
  const self = isSelfAllowed(approval) ? '' : '; yours does not count, so you are not asked';
  return `approval ${approvalId} for ${toLine(tool, 64)} waits${until} for ${yeses}${self}`;
}

import type { ErrorData } from './errors.ts';
import type { JsonObject } from './json.ts';
import type { DataLabels } from './labels.ts';
import type { ApprovalGate, DecisionReason, Obligations, ValueOrigin } from './obligations.ts';
import type { RunResult, RunStatistics, TokenUsage, ToolOutcome } from './run.ts';

/** What an event says. The engine adds sequence and time. */
export type RunEventBody =
  | {
      readonly type: 'run-started';
      readonly runId: string;
      readonly agent: string;
      readonly agentVersion: string;
      readonly model: string;
    }
  | { readonly type: 'step-started'; readonly kind: 'model' | 'tool' }
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  | {
      readonly type: 'tool-requested';
      readonly callId: string;
      readonly tool: string;
      readonly arguments: string;
      readonly executor: 'host' | 'client';
    }
  | {
      readonly type: 'decision';
      readonly callId: string;
      readonly action: string;
      readonly resource: string;
      readonly effect: 'allow' | 'deny' | 'hold';
      readonly reasons: readonly DecisionReason[];
      readonly obligations: Obligations;
      readonly policyDigest: string;
    }
  | {
      readonly type: 'approval-requested';
      readonly approvalId: string;
      readonly callId: string;
      readonly tool: string;
      readonly arguments: string;
      readonly callDigest: string;
      readonly gates: readonly ApprovalGate[];
      /** Where the values come from that decide what the call does. */
      readonly origins: readonly ValueOrigin[];
      readonly expiresAtMs: number;
    }
  /** One yes of several that are needed. */
  | {
      readonly type: 'approval-vote';
      readonly approvalId: string;
      readonly callId: string;
      readonly by: string;
      readonly votesMissing: number;
    }
  | {
      readonly type: 'approval-resolved';
      readonly approvalId: string;
      readonly callId: string;
      readonly approved: boolean;
      readonly by: string;
      readonly comment: string;
    }
  | {
      readonly type: 'tool-progress';
      readonly callId: string;
      readonly progress: number;
      readonly total: number | undefined;
      readonly message: string;
    }
  | {
      readonly type: 'input-requested';
      readonly inputId: string;
      readonly callId: string;
      readonly tool: string;
      /** The server's own words: untrusted. */
      readonly message: string;
      /** JSON Schema of the answer; undefined when the person is sent to `url` instead. */
      readonly schema: JsonObject | undefined;
      readonly url: string;
      readonly expiresAtMs: number;
    }
  | {
      readonly type: 'input-resolved';
      readonly inputId: string;
      readonly callId: string;
      readonly action: 'accept' | 'decline' | 'cancel';
      readonly by: string;
    }
  | {
      readonly type: 'tool-finished';
      readonly callId: string;
      readonly tool: string;
      readonly outcome: ToolOutcome;
      readonly content: string;
      readonly isTruncated: boolean;
      readonly labels: DataLabels;
      readonly durationMs: number;
      readonly error: ErrorData | undefined;
    }
  | {
      readonly type: 'usage';
      readonly model: string;
      readonly usage: TokenUsage;
      readonly costMicroUsd: number;
      readonly spent: RunStatistics;
    }
  | {
      readonly type: 'step-finished';
      readonly kind: 'model' | 'tool';
      readonly finishReason: string;
      readonly durationMs: number;
    }
  /** What the model is sent from now on has one message in the place of older ones. */
  | {
      readonly type: 'context-compacted';
      /** Whether that message says what was in them, or only that they were left out. */
      readonly method: 'summary' | 'cut';
      readonly messagesBefore: number;
      readonly messagesAfter: number;
      /** Estimated, tool definitions not counted. */
      readonly tokensBefore: number;
      readonly tokensAfter: number;
    }
  /** The step was interrupted and begins again: what its body told so far no longer counts. From the engine alone. */
  | { readonly type: 'step-reset'; readonly attempt: number }
  /**
   * In the place of events that are no longer kept, under the sequence of the last of them. No event of the run: a follower
   * gets it, nothing keeps it.
   */
  | { readonly type: 'events-dropped'; readonly fromSequence: number; readonly toSequence: number }
  | { readonly type: 'run-finished'; readonly result: RunResult };

/** A numbered item of a run's public stream. */
export interface RunEvent {
  /** From 1, contiguous within the run. */
  readonly sequence: number;
  /** Milliseconds since the Unix epoch. */
  readonly timeMs: number;
  /** Name of the step it belongs to, such as `turn-1/model`; empty for the run itself. */
  readonly step: string;
  readonly body: RunEventBody;
}

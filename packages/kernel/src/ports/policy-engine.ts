import type { JsonObject } from '../json.ts';
import type { DecisionReason, Principal, RunStatistics, ToolDefinition } from '../run.ts';

/** What policy is asked about. */
export type PolicyResource =
  | { readonly type: 'tool'; readonly tool: ToolDefinition; readonly arguments: JsonObject }
  | {
      readonly type: 'model';
      readonly id: string;
      readonly provider: string;
      readonly inputTokens: number;
      readonly maxOutputTokens: number;
    }
  | { readonly type: 'agent'; readonly id: string; readonly inputBytes: number };

/** The action that goes with each kind of resource. */
export type PolicyAction = 'CallTool' | 'UseModel' | 'AcceptInput';

/** A human's yes to exactly one call. Written by the host only. */
export interface ApprovalFact {
  /** Digest of the call that was approved; policy compares it with the digest of the call at hand. */
  readonly callDigest: string;
  readonly approver: string;
  readonly expiresAtMs: number;
}

/** One question to policy. Everything it depends on is in here, time included. */
export interface PolicyRequest {
  readonly principal: Principal;
  readonly agent: string;
  readonly action: PolicyAction;
  readonly resource: PolicyResource;
  readonly context: {
    readonly runId: string;
    readonly nowMs: number;
    /** Digest of principal, tool and arguments; empty for other resources. */
    readonly callDigest: string;
    readonly spent: RunStatistics;
    readonly approval: ApprovalFact | undefined;
  };
}

/** Policy's answer. Same input, same policies -> same bytes. Reasons are sorted by rule. */
export type Decision = DecisionBasis &
  (
    | { readonly effect: 'allow' }
    | { readonly effect: 'deny' }
    | {
        readonly effect: 'hold';
        readonly remedy: 'approval';
        readonly approvers: readonly string[];
        readonly ttlMs: number;
      }
  );

/** What every decision says of itself. */
export interface DecisionBasis {
  readonly reasons: readonly DecisionReason[];
  /** Digest of the policies that decided. */
  readonly policyDigest: string;
}

/** The decision point. It never throws: any error is a deny. */
export interface PolicyEngine {
  decide(request: PolicyRequest): Promise<Decision>;
  /** Digest of the policies in force. */
  digest(): string;
}

import type { JsonObject } from '../json.ts';
import type { DataLabels } from '../labels.ts';
import type { ApprovalGate, DecisionReason, Obligations, ValueOrigin } from '../obligations.ts';
import type { Principal, RunStatistics, ToolDefinition } from '../run.ts';

/** What policy is asked about. */
export type PolicyResource =
  /** To call it with these arguments, or to list it; then they are empty. */
  | { readonly type: 'tool'; readonly tool: ToolDefinition; readonly arguments: JsonObject }
  | { readonly type: 'tool-result'; readonly tool: ToolDefinition; readonly bytes: number }
  | {
      readonly type: 'model';
      readonly id: string;
      readonly provider: string;
      readonly inputTokens: number;
      readonly maxOutputTokens: number;
    }
  | { readonly type: 'agent'; readonly id: string; readonly inputBytes: number }
  /** What the agent tells whoever follows the run. */
  | { readonly type: 'output' }
  | {
      readonly type: 'memory';
      readonly namespace: string;
      /** Subject whose memory it is; empty for one of the whole tenant. */
      readonly owner: string;
      readonly bytes: number;
    };

/** What somebody wants to do. Each goes with one kind of resource. */
export type PolicyAction =
  | 'AcceptInput'
  | 'UseModel'
  | 'ListTool'
  | 'CallTool'
  | 'AcceptToolResult'
  | 'EmitOutput'
  | 'ReadMemory'
  | 'WriteMemory'
  | 'ForgetMemory';

/** What people said about exactly one call. Written by the host only; the decision point judges whether it is enough. */
export interface ApprovalFact {
  /** Digest of the call that was approved; it has to be that of the call at hand. */
  readonly callDigest: string;
  /** Those who said yes, with the roles they had then; each person once. */
  readonly votes: readonly { readonly subject: string; readonly roles: readonly string[] }[];
  readonly expiresAtMs: number;
}

/** Where the values come from that decide what a call does. Computed by the host from what was there before the call. */
export interface CallEvidence {
  /** One for each such value; none when the call has none. */
  readonly values: readonly ValueOrigin[];
}

/** What was called before. Calls that were denied are not in it, those in flight are. */
export interface CallHistory {
  /** Names of all tools called in this run; sorted. */
  readonly toolsUsed: readonly string[];
  /** Calls of this tool in this run. */
  readonly callsOfTool: number;
  /** Calls of this run that are not finished. */
  readonly callsInFlight: number;
  /** Calls of this tool by this principal, in all its runs and clients. */
  readonly callsLastHour: number;
  readonly callsLastDay: number;
  /** Calls of this run that people approved. */
  readonly approvals: number;
  /** For each summed argument of the tool: its sum over the calls of this run, and of this principal in a day, this call included. */
  readonly sums: Readonly<Record<string, { readonly run: number; readonly day: number }>>;
}

/** Of somebody who has called nothing. */
export const noHistory: CallHistory = {
  toolsUsed: [],
  callsOfTool: 0,
  callsInFlight: 0,
  callsLastHour: 0,
  callsLastDay: 0,
  approvals: 0,
  sums: {},
};

/** Who asks. */
export interface PolicyAsker {
  readonly principal: Principal;
  /** The agent of a run, else the name of the way in, such as `mcp` or `direct`. */
  readonly agent: string;
  /** The agent acts by itself on the principal's behalf: then both must be allowed. */
  readonly isDelegated: boolean;
  /** `RunInput.bundle`: whoever decides has to have verified it. */
  readonly bundle?: string;
}

/** One question to policy. Everything it depends on is in here, time included. */
export interface PolicyRequest extends PolicyAsker {
  readonly action: PolicyAction;
  readonly resource: PolicyResource;
  readonly context: {
    readonly runId: string;
    readonly nowMs: number;
    /** Digest of principal, tool and arguments; empty for other resources. */
    readonly callDigest: string;
    readonly spent: RunStatistics;
    readonly approval: ApprovalFact | undefined;
    /** Of everything that the one who acts has seen; for `AcceptToolResult` and `WriteMemory`, of what is taken in. */
    readonly labels: DataLabels;
    /** Undefined where the host does not know what the caller has seen. */
    readonly evidence: CallEvidence | undefined;
    readonly history: CallHistory;
  };
}

/** Policy's answer. Same input, same policies -> same bytes. Reasons are sorted by rule. */
export type Decision = DecisionBasis &
  (
    | { readonly effect: 'allow' }
    | { readonly effect: 'deny' }
    | {
        readonly effect: 'hold';
        /** What would lift it; all of them are needed. */
        readonly remedies: readonly Remedy[];
        /** Each has to be passed; none unless `approval` is among the remedies. */
        readonly gates: readonly ApprovalGate[];
        readonly ttlMs: number;
      }
  );

/** A way out of a forbid, by the names of AuthZEN's obligations where it has one. */
export type Remedy = 'approval' | 'choose_other_model' | 'step_up' | 'wait';

/** What every decision says of itself. */
export interface DecisionBasis {
  readonly reasons: readonly DecisionReason[];
  /** What must be done if it is allowed, and noted if it is not. */
  readonly obligations: Obligations;
  /** Digest of the policies that decided. */
  readonly policyDigest: string;
  /** `name@revision` of the bundles that decided; empty for rules from a directory. */
  readonly bundles: readonly string[];
}

/** The decision point. It never throws: any error is a deny. */
export interface PolicyEngine {
  decide(request: PolicyRequest): Promise<Decision>;
  /** Those of the tools that could be allowed with some arguments, in their order. */
  visible(asker: PolicyAsker, tools: readonly ToolDefinition[]): Promise<readonly ToolDefinition[]>;
  /** Digest of the policies in force. */
  digest(): string;
}

import type { DecisionLog, DecisionLogStatistics } from '@modelhost/decision-log';
import type { Principal } from '@modelhost/kernel';
import type { BundleRefusal, BundleScope } from '@modelhost/policy-bundle';
import type { DecisionPoint, RehearsalReport, TestReport } from '@modelhost/policy-engine';
import type { BundleSlot } from './policy-state.ts';

/** Which bundle. */
export interface BundleIdentity {
  readonly name: string;
  readonly scope: BundleScope;
  readonly revision: number;
  /** Of the payload. */
  readonly digest: string;
}

/** What an activation goes through, in this order. */
export type ActivationStep = 'verify' | 'admit' | 'read' | 'compile' | 'test' | 'record' | 'store';

/** How an activation ended. */
export type ActivationReport =
  | {
      readonly type: 'activated';
      readonly bundle: BundleIdentity;
      readonly slot: BundleSlot;
      /** Ids of the keys whose signatures counted. */
      readonly signedBy: readonly string[];
      readonly tests: TestReport;
      /** What it would have changed of the newest recorded decisions; undefined when they cannot be read. It refuses nothing. */
      readonly rehearsal: RehearsalReport | undefined;
    }
  /** Exactly this one is in force already. */
  | { readonly type: 'unchanged'; readonly bundle: BundleIdentity; readonly slot: BundleSlot }
  | ActivationRefusal;

/** Nothing was changed. */
export interface ActivationRefusal {
  readonly type: 'refused';
  readonly step: ActivationStep;
  /** Stable: that of the bundle's refusal, else of the step. */
  readonly code:
    | BundleRefusal
    | 'not-admitted'
    | 'content-invalid'
    | 'rules-invalid'
    | 'tests-failed'
    | 'audit-unavailable'
    | 'store-failed'
    | 'unsigned-host';
  /** What is wrong and what helps. */
  readonly message: string;
  /** Undefined until its content is believed. */
  readonly bundle: BundleIdentity | undefined;
  /** How its tests went, when it came to that. */
  readonly tests: TestReport | undefined;
}

/** What a shadow has shown. */
export interface ShadowStatistics {
  readonly decided: number;
  readonly differed: number;
  /** Not decided, since too many were waiting. */
  readonly dropped: number;
}

/** A bundle that is in force. */
export interface BundleStatus extends BundleIdentity {
  readonly slot: BundleSlot;
  readonly notBefore: string;
  readonly expires: string;
  /** `grace`: expired, and still deciding. `expired`: everything it would decide is denied. */
  readonly validity: 'valid' | 'grace' | 'expired';
  readonly canary: readonly string[];
  readonly signedBy: readonly string[];
  readonly activatedAtMs: number;
  /** Without the name of who is of another tenant than whoever looks. */
  readonly activatedBy: string;
  /** Only for one in the slot `shadow`. */
  readonly shadow: ShadowStatistics | undefined;
}

/** Something that keeps a configured source from being in force as it stands. */
export interface PolicyProblem {
  /** A file or directory, or a bundle. */
  readonly where: string;
  readonly message: string;
}

/** Where policy stands. */
export interface PolicyStatus {
  /** `down`: everything is denied. `degraded`: the last good rules decide, and somebody should look. */
  readonly state: 'up' | 'degraded' | 'down';
  readonly source: 'directory' | 'bundles';
  /** Of all that decides for the tenant, as its decisions have it; of the platform's rules without a tenant. */
  readonly digest: string;
  /** By scope, the platform's first, and by slot. */
  readonly bundles: readonly BundleStatus[];
  readonly problems: readonly PolicyProblem[];
  readonly decisions: DecisionLogStatistics;
}

/** Everything about the policies of a running host. */
export interface PolicyControl {
  /** Decides, keeps what it decided, and asks shadows. */
  readonly engine: DecisionPoint;
  readonly log: DecisionLog;
  /** Tells when other rules decide from then on. Returns the way to stop. */
  readonly onChange: (listener: () => void) => () => void;
  /** With a tenant: without the bundles and problems of other tenants. */
  status(tenant?: string): PolicyStatus;
  /**
   * Verifies, compiles, tests and puts a bundle in force; one after the other. One of another tenant than the principal's is
   * refused, and one of the platform without the role for it. Never throws for a bundle that is not good.
   */
  activate(envelope: Uint8Array, by: Principal): Promise<ActivationReport>;
  /**
   * Asks a candidate what it would have made of the decisions since then, those of the principal's tenant alone.
   * Throws `validation_failed` for one that cannot be compiled, and `overloaded` when too many wait.
   */
  rehearse(envelope: Uint8Array, sinceMs: number, principal: Principal): Promise<RehearsalReport>;
  /**
   * Decides as if the bundle were in force in its scope. Throws `validation_failed` for one that is not trusted or cannot be compiled,
   * `permission_denied` for one that the principal may not put in force, and `overloaded` when too many wait.
   */
  open(envelope: Uint8Array, principal: Principal): Promise<DecisionPoint>;
  /** Throws what keeps policy from being well; with a tenant: without the bundles and problems of other tenants. */
  check(tenant?: string): Promise<void>;
  /** Resolves when no activation, no look at the files, no rehearsal and no shadow is under way. */
  idle(): Promise<void>;
  /** Stops watching, waits for an activation under way, and closes the log. */
  close(): Promise<void>;
}

import type { DecisionReason, Principal } from '@modelhost/kernel';
import type { TrustRoot } from '@modelhost/policy-bundle';
import type { PolicySource } from '@modelhost/policy-engine';
import type { LoadedBundle } from './in-force.ts';
import type { ActivationReport } from './policy-control.ts';

/** Where the rules come from. `start`, `look` and `activate` are called one at a time. */
export interface PolicyRules {
  /** Lets what is stored and configured decide. Throws `config_invalid` when nothing of it can. */
  start(): Promise<void>;
  /** Takes what has changed of what is configured, if it can be used; else it becomes a problem. Rejects only when the host closes. */
  look(): Promise<void>;
  activate(envelope: Uint8Array, by: Principal): Promise<ActivationReport>;
  /** The rules as if a candidate had the place of the active bundle of its scope. */
  asIf(candidate: LoadedBundle): PolicySource;
  /** Throws `failed_precondition` when none is configured. */
  trustRoot(): Promise<TrustRoot>;
  /** Why everything is denied to a tenant; undefined while rules decide. */
  refusalOf(tenant: string): DecisionReason | undefined;
  /** What decides now. */
  source(): PolicySource;
  /** Shadows too; none for rules of a directory. */
  bundles(): readonly LoadedBundle[];
}

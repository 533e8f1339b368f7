import type { Json } from '../json.ts';

/** What is put on record. No free text of users, models or tools: digests and codes only, and sealed bytes. */
export interface AuditRecord {
  readonly kind:
    | 'run-accepted'
    | 'run-refused'
    | 'decision'
    | 'approval'
    | 'intent'
    | 'outcome'
    | 'run-finished'
    | 'tool-input'
    | 'tool-pin'
    | 'tool-authorization'
    | 'policy'
    | 'session'
    | 'storage'
    | 'host-started'
    | 'host-stopped';
  readonly tenant: string;
  readonly runId: string;
  /** Name of the step; empty for the run itself. */
  readonly step: string;
  /** Subject that acted: the principal, or the approver. */
  readonly actor: string;
  /** Facts of this kind of record, such as tool, effect, reasons, callDigest. */
  readonly facts: Readonly<Record<string, Json>>;
}

/** Where a record stands in the log. */
export interface AuditReceipt {
  /** From 0, contiguous in the log. */
  readonly index: number;
  /** Hash of the record and all before it, lower-case hex. */
  readonly hash: string;
}

/** The tamper-evident log. */
export interface AuditLog {
  /**
   * Resolves when the record is durable. Rejects with `audit_unavailable`; then nothing may be done that depends on it. One that
   * may ride waits a moment for a record that does not: both then share one commit.
   */
  append(record: AuditRecord, options?: { readonly mayRide: boolean }): Promise<AuditReceipt>;
  /** The newest durable position; undefined for an empty log. */
  head(): AuditReceipt | undefined;
  /** Rejects with `audit_unavailable` when the log cannot be written. */
  check(): Promise<void>;
  /** Flushes and closes. */
  close(): Promise<void>;
}

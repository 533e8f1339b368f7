import type { AuditLog, AuditRecord } from '@modelhost/kernel';
import type { Logger } from 'pino';

/** Who changes what, as the audit log has it. */
export interface PolicyChange {
  /** Tenant of a tenant's bundle; empty for the platform. */
  readonly tenant: string;
  readonly actor: string;
  readonly facts: AuditRecord['facts'];
}

/**
 * Does a change between its intent and its outcome on record. Rejects with `audit_unavailable` when there is no intent:
 * then nothing was done. An outcome that cannot be written is said in the log, since the change is done by then.
 */
export async function onRecord(
  { audit, log }: { readonly audit: AuditLog; readonly log: Logger },
  { tenant, actor, facts }: PolicyChange,
  change: () => Promise<void>,
): Promise<void> {
  const record = (state: string): AuditRecord => ({
    kind: 'policy',
    tenant,
    runId: '',
    step: '',
    actor,
    facts: { state, ...facts },
  });
  async function close(state: 'done' | 'failed'): Promise<void> {
    try {
      await audit.append(record(state));
    } catch (cause) {
      log.error({ err: cause, ...facts }, `policy: that a change is ${state} is not on record`);
    }
  }
  await audit.append(record('intent'));
  try {
    await change();
  } catch (thrown) {
    await close('failed');
    throw thrown;
  }
  await close('done');
}

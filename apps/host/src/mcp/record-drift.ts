import type { AuditLog } from '@modelhost/kernel';
import type { PinDrift } from '@modelhost/mcp-gateway';
import type { Logger } from 'pino';

/** A definition that is held back is on record: what it was, what it is, and which members differ. */
export async function recordDrift(audit: AuditLog, drift: PinDrift, log: Logger): Promise<void> {
  const { alias, tool, name, before, after, changed, warnings } = drift;
  log.warn(
    { server: alias, tool, changed, warnings },
    'a tool is held back: its definition is not approved',
  );
  const facts = {
    state: 'held-back',
    server: alias,
    tool: name,
    before: before ?? '',
    after,
    changed,
  };
  try {
    await audit.append({ kind: 'tool-pin', tenant: '', runId: '', step: '', actor: 'host', facts });
  } catch (cause) {
    // The tool is held back all the same.
    log.error({ err: cause, server: alias, tool }, 'a changed tool could not be put on record');
  }
}

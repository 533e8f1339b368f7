import { isJsonObject } from '@modelhost/kernel';
import type { AuditLog, Json, JsonObject, Redactor } from '@modelhost/kernel';

/** A digest of our own. */
const digest = /^(?:sha256:)?[0-9a-f]{64}$/;

/** An audit log whose facts pass the redactor: no text belongs there, so this is for one that gets there all the same. */
export function hideInAudit(audit: AuditLog, redactor: Redactor): AuditLog {
  function hide(value: Json): Json {
    if (typeof value === 'string') return digest.test(value) ? value : redactor.redact(value);
    if (typeof value !== 'object' || value === null) return value;
    if (!isJsonObject(value)) return value.map((item: Json) => hide(item));
    return isSealed(value) ? value : hideIn(value);
  }

  function hideIn(facts: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, hide(value)]));
  }

  return {
    ...audit,
    append: async (record) => audit.append({ ...record, facts: hideIn(record.facts) }),
  };
}

/** What was sealed says nothing, and would not open again when a character of it changed. */
function isSealed({ keyId, data, ...others }: JsonObject): boolean {
  return typeof keyId === 'string' && typeof data === 'string' && Object.keys(others).length === 0;
}

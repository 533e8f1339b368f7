import { isJsonObject } from '@modelhost/kernel';
import type { AuditLog, Json, JsonObject, Redactor } from '@modelhost/kernel';

/** A digest of our own. */
const digest = /^(?:sha256:)?[0-9a-f]{64}$/;

/** Texts that are remembered, and how long one of them may be. */
const knownMax = 1_024;
const knownLengthMax = 64;

/** An audit log whose facts pass the redactor: no text belongs there, so this is for one that gets there all the same. */
export function hideInAudit(audit: AuditLog, redactor: Redactor): AuditLog {
  const hideText = createTextHiding(redactor);

  function hide(value: Json): Json {
    if (typeof value === 'string') return digest.test(value) ? value : hideText(value);
    if (typeof value !== 'object' || value === null) return value;
    if (isJsonObject(value)) return isSealed(value) ? value : hideIn(value);
    const items = value.map(hide);
    return items.every((item, at) => item === value[at]) ? value : items;
  }

  function hideIn(facts: JsonObject): JsonObject {
    const entries = Object.entries(facts);
    const hidden = entries.map(([name, value]): [string, Json] => [name, hide(value)]);
    const isSame = hidden.every(([, value], at) => value === entries[at]?.[1]);
    return isSame ? facts : Object.fromEntries(hidden);
  }

  return {
    ...audit,
    append: async (record, options) => {
      const facts = hideIn(record.facts);
      return audit.append(facts === record.facts ? record : { ...record, facts }, options);
    },
  };
}

/**
 * Remembers short texts in which nothing was found: the same names of tools and rules are in every record. What hides here
 * belongs to no tenant and no session, so what it finds in a text is always the same.
 */
function createTextHiding(redactor: Redactor): (text: string) => string {
  const clean = new Set<string>();
  return (text) => {
    if (clean.has(text)) return text;
    const hidden = redactor.redact(text);
    if (hidden === text && text.length <= knownLengthMax) {
      if (clean.size >= knownMax) clean.clear();
      clean.add(text);
    }
    return hidden;
  };
}

/** What was sealed says nothing, and would not open again when a character of it changed. */
function isSealed({ keyId, data, ...others }: JsonObject): boolean {
  return typeof keyId === 'string' && typeof data === 'string' && Object.keys(others).length === 0;
}

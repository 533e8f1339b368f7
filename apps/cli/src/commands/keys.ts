import { createApiKey } from '@modelhost/host';
import type { CliContext } from '../context.ts';
import type { JsonFlag } from '../text/output.ts';

/** What `keys create` is told. */
export interface CreateApiKeyFlags extends JsonFlag {
  readonly tenant: string;
  readonly subject: string;
  readonly role?: readonly string[];
}

/** A new key: on stdout, and nowhere else; the host gets only its hash. */
export function createKey(context: CliContext, flags: CreateApiKeyFlags): void {
  const { tenant, subject, role: roles = [] } = flags;
  const { id, key, hash } = createApiKey();
  const entry = { id, hash, tenant, subject, roles };
  if (flags.json === true) {
    context.print(`${JSON.stringify({ key, entry })}\n`);
    return;
  }
  context.print(`${key}\n`);
  // JSON is YAML, so that no subject can break out of its line.
  const lines = Object.entries(entry).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  context.say('This key is shown once. Add to the configuration of the host:');
  context.say(`server:\n  auth:\n    apiKeys:\n      - ${lines.join('\n        ')}`);
}

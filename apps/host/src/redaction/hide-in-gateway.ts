import type { Redactor } from '@modelhost/kernel';
import type { Hiding } from '@modelhost/mcp-gateway';
import { hideLong } from './hide-long.ts';
import { hideObject } from './hide-object.ts';

/** Hides what is hidden always in what tool servers say, where the gateway takes it in. */
export function hideInGateway(redactor: Redactor): Hiding {
  return {
    definition: (definition) => hideObject(redactor, definition),
    text: (text) => redactor.redact(text),
    long: async (text, tenant) =>
      hideLong(redactor.open({ tenant, sessionId: 'tool-results' }).step(), text, {}),
  };
}

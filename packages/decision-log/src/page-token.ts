import type { Keys } from '@modelhost/kernel';
import {
  canonicalJson,
  HostError,
  isJsonObject,
  parseJsonText,
  sha256Hex,
} from '@modelhost/kernel';
import type { Position, RowFilter } from './log-file.ts';

/** Where a page ends, sealed: it tells nobody how much others decide, and works with the same filter only. */
export function createPageToken(keys: Keys, filter: RowFilter, { timeMs, id }: Position): string {
  const text = JSON.stringify({ timeMs, id, filter: digestOf(filter) });
  const { keyId, data } = keys.seal(text, context);
  return `${keyId}.${Buffer.from(data, 'base64').toString('base64url')}`;
}

/** Throws `validation_failed` for what is no token of this log for this filter. */
export function readPageToken(keys: Keys, filter: RowFilter, token: string): Position {
  const content = open(keys, token);
  if (!isJsonObject(content) || content['filter'] !== digestOf(filter)) throw refusal();
  return { timeMs: Number(content['timeMs']), id: Number(content['id']) };
}

const context = 'decision-log/page';
const lengthMax = 1_024;

function open(keys: Keys, token: string): unknown {
  const [keyId = '', data = ''] = token.slice(0, lengthMax).split('.');
  try {
    const sealed = { keyId, data: Buffer.from(data, 'base64url').toString('base64') };
    return parseJsonText(keys.unseal(sealed, context));
  } catch (cause) {
    throw refusal(cause);
  }
}

function refusal(cause?: unknown): HostError {
  const description =
    'is not one of this log for the same filter; repeat the query as it was, or leave it out to begin with the newest';
  return new HostError('validation_failed', `pageToken: ${description}`, {
    cause,
    violations: [{ field: 'pageToken', description }],
  });
}

function digestOf(filter: RowFilter): string {
  const { tenant, sinceMs, untilMs, effect, action, resource, rule } = filter;
  const parts = [tenant, sinceMs, untilMs, effect, action, resource, rule];
  return sha256Hex(canonicalJson(parts.map((part) => part ?? null)));
}

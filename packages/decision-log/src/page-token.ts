import type { Keys } from '@modelhost/kernel';
import { canonicalJson, HostError, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type { Position, RowFilter } from './log-file.ts';

/** Where a page ends, sealed: it tells nobody how much others decide, and works with the same filter only. */
export function createPageToken(keys: Keys, filter: RowFilter, { timeMs, id }: Position): string {
  const { keyId, data } = keys.seal(JSON.stringify({ timeMs, id }), contextOf(filter));
  return `${keyId}.${Buffer.from(data, 'base64').toString('base64url')}`;
}

/** Throws `validation_failed` for what is no token of this log for this filter. */
export function readPageToken(keys: Keys, filter: RowFilter, token: string): Position {
  const [keyId = '', data = ''] = token.slice(0, lengthMax).split('.');
  try {
    const sealed = { keyId, data: Buffer.from(data, 'base64url').toString('base64') };
    const value = parseJsonText(keys.unseal(sealed, contextOf(filter)));
    if (!isJsonObject(value)) throw new SyntaxError('not an object');
    return { timeMs: Number(value['timeMs']), id: Number(value['id']) };
  } catch (cause) {
    throw new HostError('validation_failed', `pageToken: ${problem}`, {
      cause,
      violations: [{ field: 'pageToken', description: problem }],
    });
  }
}

const problem =
  'is not one of this log for the same filter; repeat the query as it was, or leave it out to begin with the newest';
const lengthMax = 1_024;

function contextOf(filter: RowFilter): string {
  const { tenant, sinceMs, untilMs, effect, action, resource, rule } = filter;
  const parts = [tenant, sinceMs, untilMs, effect, action, resource, rule];
  return `decision-log/page/${canonicalJson(parts.map((part) => part ?? null))}`;
}

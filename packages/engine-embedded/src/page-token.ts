import { HostError } from '@modelhost/kernel';

/** The place in the order of creation that a list goes on from. Throws `validation_failed` for what is no token of a list. */
export function readPageToken(token: string): number {
  const ordinal = Number(token);
  // Numbers are also what nobody was given, such as `1e3`.
  if (Number.isSafeInteger(ordinal) && ordinal >= 1 && String(ordinal) === token) return ordinal;
  throw new HostError('validation_failed', 'the page token is none of ours', {
    violations: [{ field: 'page_token', description: 'must be the next_page_token of a page' }],
    facts: { field: 'page_token' },
  });
}

import { HostError } from '@modelhost/kernel';
import type { FieldViolation } from '@modelhost/kernel';
import { logBounds } from './bounds.ts';
import type { RowFilter } from './log-file.ts';

/** Which decisions to show. */
export interface PageQuery extends RowFilter {
  /** 1 to 200. */
  readonly pageSize: number;
  /** Of the page before; absent or empty for the newest. */
  readonly pageToken?: string | undefined;
}

/** Throws `validation_failed` for times or sizes that are none. */
export function checkQuery(query: RowFilter & { readonly pageSize?: number }): void {
  const violations: FieldViolation[] = [];
  for (const field of ['sinceMs', 'untilMs'] as const) {
    if (query[field] === undefined || Number.isSafeInteger(query[field])) continue;
    const description = 'is no time; give milliseconds since the Unix epoch as a whole number';
    violations.push({ field, description });
  }
  const { pageSize = 1 } = query;
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > logBounds.pageSize) {
    const description = `is not between 1 and ${logBounds.pageSize}; ask for several pages`;
    violations.push({ field: 'pageSize', description });
  }
  const [first] = violations;
  if (first === undefined) return;
  throw new HostError('validation_failed', `${first.field}: ${first.description}`, { violations });
}

import type { Logger } from 'pino';
import type { PolicyProblem } from './policy-control.ts';

/** What keeps configured rules from being in force as they stand. Readiness is degraded while there is any. */
export interface Problems {
  /** One for each place; said in the log when it is new. `tenant` when it is that of a tenant's bundle. */
  set(where: string, message: string, tenant?: string): void;
  clear(where: string): void;
  /** With a tenant: without those of other tenants. */
  list(tenant?: string): readonly PolicyProblem[];
}

/** Starts with none. */
export function createProblems(log: Logger): Problems {
  const problems = new Map<string, { readonly message: string; readonly tenant?: string }>();
  return {
    set: (where, message, tenant) => {
      if (problems.get(where)?.message === message) return;
      problems.set(where, { message, ...(tenant === undefined ? {} : { tenant }) });
      log.error({ where, reason: message }, 'policy: the last good rules stay in force');
    },
    clear: (where) => {
      if (problems.delete(where)) log.info({ where }, 'policy: a problem is gone');
    },
    list: (tenant) =>
      Array.from(problems, ([where, problem]) => ({ where, ...problem }))
        .filter((problem) => tenant === undefined || (problem.tenant ?? tenant) === tenant)
        .map(({ where, message }) => ({ where, message })),
  };
}

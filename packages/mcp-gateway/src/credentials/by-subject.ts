import type { Principal } from '@modelhost/kernel';
import { keepBounded } from '../keep-bounded.ts';

/** One thing for every subject that was seen. */
export interface BySubject<T> {
  /** The subject's own, made when it is first asked for. */
  of(principal: Principal): T;
}

/** What everybody shares, or one thing for each user. */
export interface BySubjectOptions<T> {
  readonly subjectOf: (principal: Principal) => string;
  readonly create: (principal: Principal) => T;
  readonly subjectsMax?: number;
}

/** Past the bound the one used longest ago is forgotten; what it had is to be had again. */
export function createBySubject<T>(options: BySubjectOptions<T>): BySubject<T> {
  const { subjectOf, create, subjectsMax = 4_096 } = options;
  const bySubject = new Map<string, T>();

  function of(principal: Principal): T {
    const subject = subjectOf(principal);
    const one = bySubject.get(subject) ?? create(principal);
    keepBounded(bySubject, { key: subject, value: one, entriesMax: subjectsMax });
    return one;
  }

  return { of };
}

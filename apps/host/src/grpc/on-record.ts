import { toErrorData } from '@modelhost/kernel';
import type { AuditLog, AuditRecord, Json, Principal } from '@modelhost/kernel';

type Facts = Readonly<Record<string, Json>>;

/** Something that a caller wants done outside any run. */
export interface RecordedWork<Result> {
  readonly kind: AuditRecord['kind'];
  readonly principal: Principal;
  /** Facts of both records. */
  readonly about: Facts;
  /** Further facts of the first one. */
  readonly intent: Facts;
  readonly work: () => Promise<Result>;
  /** Further facts of the second one. */
  readonly outcomeOf: (result: Result) => Facts;
}

/** That somebody wants it is on record before it is done, and what came of it after; a failure by its code alone. */
export async function onRecord<Result>(
  audit: Pick<AuditLog, 'append'>,
  recorded: RecordedWork<Result>,
): Promise<Result> {
  const { kind, principal, about, intent, work, outcomeOf } = recorded;
  const { tenant, subject: actor } = principal;
  const record = async (facts: Facts): Promise<void> => {
    await audit.append({ kind, tenant, runId: '', step: '', actor, facts: { ...about, ...facts } });
  };
  await record({ phase: 'intent', ...intent });
  const result = await work().catch(async (thrown: unknown) => {
    await record({ phase: 'outcome', outcome: 'failed', code: toErrorData(thrown).code });
    throw thrown;
  });
  await record({ phase: 'outcome', ...outcomeOf(result) });
  return result;
}

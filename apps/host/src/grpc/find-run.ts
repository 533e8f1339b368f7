import { HostError } from '@modelhost/kernel';
import type { Principal, RunEngine, RunStatus } from '@modelhost/kernel';
import { createFieldReader, refuseIfAny } from './field-reader.ts';
import type { FieldReader } from './field-reader.ts';

/** A run of the caller's tenant. Throws `not_found` for every other one. */
export async function findRun(
  engine: RunEngine,
  { tenant }: Principal,
  runId: string,
): Promise<RunStatus> {
  const reader = createFieldReader();
  readId(reader, 'run_id', runId);
  refuseIfAny(reader);
  const status = await engine.status(tenant, runId);
  if (status === undefined) throw new HostError('not_found', `there is no run ${runId}`);
  return status;
}

/** Refuses an id that is absent or too long to be one. */
export function readId(reader: FieldReader, field: string, id: string): void {
  if (id === '') reader.refuse(field, 'is required');
  reader.text(field, id, { min: 0, max: 128 });
}

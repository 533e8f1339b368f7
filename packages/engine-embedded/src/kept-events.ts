import { HostError, noStatistics, parseJsonText } from '@modelhost/kernel';
import type { RunEvent, RunStatistics } from '@modelhost/kernel';
import type { RunCodec } from './codec.ts';
import type { KeptEvents, RunStore } from './run-store.ts';

/** How much of the events is read at once. */
const pageBytes = 256 * 1024;

/** Whose events are read, and from where. */
export interface EventSource {
  readonly store: RunStore;
  readonly codec: RunCodec;
  readonly tenant: string;
  readonly runId: string;
}

/** Reads a page of the events after a sequence. */
export async function readEventPage(
  source: EventSource,
  afterSequence: number,
): Promise<readonly RunEvent[]> {
  const { store, runId } = source;
  const page = await store.readEvents(runId, { afterSequence, bytesMax: pageBytes });
  const events = page.events.flatMap((kept) => openEvents(source, kept));
  return events.filter(({ sequence }) => sequence > afterSequence);
}

/** All events that are kept after a sequence. */
export async function* readKeptEvents(
  source: EventSource,
  afterSequence: number,
): AsyncGenerator<RunEvent, void> {
  for (let after = afterSequence; ;) {
    const events = await readEventPage(source, after);
    const last = events.at(-1);
    if (last === undefined) return;
    yield* events;
    after = last.sequence;
  }
}

/** What a run told last of what it has used; all that is known of that where its program cannot go on. */
export async function readSpent(source: EventSource): Promise<RunStatistics> {
  let spent = noStatistics;
  for await (const { body } of readKeptEvents(source, 0)) {
    if (body.type === 'usage') ({ spent } = body);
  }
  return spent;
}

function openEvents(
  { codec, tenant, runId }: EventSource,
  { firstSequence, payload }: KeptEvents,
): readonly RunEvent[] {
  const part = `events/${firstSequence}`;
  const events = parseJsonText(codec.decode(payload, { tenant, runId, part }));
  if (!Array.isArray(events)) throw new HostError('internal', 'kept events cannot be read');
  // They were sealed by the writer of the run, and nobody else can.
  return events;
}

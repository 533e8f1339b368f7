import { HostError, parseJsonText } from '@modelhost/kernel';
import type { RunInput, RunProgram, SignalPayload, StopReason } from '@modelhost/kernel';
import type { RunCodec } from './codec.ts';
import type { Frame } from './journal/frame.ts';
import { joinFrames, readFrame } from './journal/journal.ts';
import { cutFrame, joinTexts } from './journal/pieces.ts';
import { openStatus } from './kept-status.ts';
import type { RunRecord } from './run-store.ts';
import type { RunOrigin } from './run/live-run.ts';
import type { Turn } from './run/rehearse.ts';
import { mapInSlices } from './slices.ts';

/** A stop from outside is kept as a signal of this name. */
export const cancelSignal = 'engine/cancel';

/** What a run is started with: its input and, for a fork, the part of another journal that it goes on from. */
export interface KeptInput {
  readonly input: RunInput;
  readonly prefix: readonly Frame[];
}

/** With what a journal is sealed and opened: it may be long, so that others get their turns meanwhile. */
export interface Sealing {
  readonly codec: RunCodec;
  readonly turn: Turn;
}

/** Seals what a run is started with. */
export function sealInput(codec: RunCodec, input: RunInput): Uint8Array {
  const { runId, principal } = input;
  return codec.encode(JSON.stringify({ input }), {
    tenant: principal.tenant,
    runId,
    part: 'input',
  });
}

/** Seals the part of another journal that a run goes on from, as the first entries of its own. */
export async function sealPrefix(
  { codec, turn }: Sealing,
  { input, prefix }: KeptInput,
): Promise<readonly Uint8Array[]> {
  const { runId, principal } = input;
  function* pieces(): Generator<string, void> {
    for (const frame of prefix) yield* cutFrame(JSON.stringify(frame));
  }
  const seal = (piece: string, index: number): Uint8Array =>
    codec.encode(piece, { tenant: principal.tenant, runId, part: `entry/${index}` });
  return mapInSlices(pieces(), seal, { sizeOf: ({ length }) => length, turn });
}

/** Opens the journal of a run, as its frames: for a fork, what it goes on from comes first. */
export async function openFrames(
  { codec, turn }: Sealing,
  { run, entries }: RunRecord,
): Promise<readonly Frame[]> {
  const { tenant, runId } = run;
  const open = (entry: Uint8Array, index: number): string =>
    codec.decode(entry, { tenant, runId, part: `entry/${index}` });
  const sizes = { sizeOf: ({ length }: { readonly length: number }) => length, turn };
  const pieces = await mapInSlices(entries, open, sizes);
  return mapInSlices(joinTexts(pieces), readFrame, sizes);
}

/** Opens everything that is kept of a run. */
export async function openOrigin(sealing: Sealing, record: RunRecord): Promise<RunOrigin> {
  const { codec } = sealing;
  const { run, signals, entries } = record;
  const { tenant, runId } = run;
  const given = signals.map(({ name, payload }) => {
    const text = codec.decode(payload, { tenant, runId, part: `signal/${name}` });
    return { name, value: parseJsonText(text) };
  });
  const cancel = given.find(({ name }) => name === cancelSignal);
  return {
    input: openInput(codec, record),
    status: openStatus(codec, run),
    journal: joinFrames(await openFrames(sealing, record)),
    entries: entries.length,
    signals: given.flatMap(({ name, value }) =>
      // It was sealed by this engine, and nobody else can.
      name === cancelSignal ? [] : { name, payload: value as unknown as SignalPayload },
    ),
    // As above.
    stop: cancel === undefined ? undefined : (cancel.value as unknown as StopReason),
  };
}

/** Opens what a run is started with. */
export function openInput(codec: RunCodec, { run, input }: RunRecord): RunInput {
  const { tenant, runId } = run;
  const text = codec.decode(input, { tenant, runId, part: 'input' });
  // As above.
  return (parseJsonText(text) as unknown as { input: RunInput }).input;
}

/** Seals what is kept as a signal. */
export function sealSignal(
  codec: RunCodec,
  place: { readonly tenant: string; readonly runId: string; readonly name: string },
  payload: SignalPayload | StopReason,
): Uint8Array {
  const { tenant, runId, name } = place;
  return codec.encode(JSON.stringify(payload), { tenant, runId, part: `signal/${name}` });
}

/** The programs of an engine: the code of runs, in each version in which runs may still be kept. */
export interface Programs {
  /** Under which new runs are started. */
  readonly current: string;
  /** Each makes the code of one performance: what its steps share between them is its own. */
  readonly versions: ReadonlyMap<string, () => RunProgram>;
}

/** A program of a version. Throws `failed_precondition` for one that is not there. */
export function findProgram({ current, versions }: Programs, version: string): RunProgram {
  const make = versions.get(version);
  if (make !== undefined) return make();
  throw new HostError(
    'failed_precondition',
    `the run was started under version ${version} of the loop, and this host has ${current}`,
    { facts: { run_version: version, host_version: current } },
  );
}

import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { HostError } from '@modelhost/kernel';
import type { DataPart, KnownParts } from './data-record.ts';

/** Without `file` a part is lost; what is `beside` it is of no use then. */
interface PartFiles {
  readonly file: string;
  readonly beside: readonly string[];
}

const partFiles: Readonly<Record<DataPart, PartFiles>> = {
  audit: { file: 'audit.jsonl', beside: ['audit.jsonl.head'] },
  decisions: { file: 'decisions.db', beside: ['decisions.db-wal', 'decisions.db-shm'] },
  keys: { file: 'master.key', beside: [] },
  pins: { file: 'tool-pins.json', beside: [] },
  policy: { file: 'policy/state.json', beside: ['policy'] },
  runs: {
    file: 'runs/journal.db',
    beside: ['runs/journal.db-wal', 'runs/journal.db-shm', 'runs/journal.db.part'],
  },
};

/** By name. */
export const dataParts: readonly DataPart[] = [
  'audit',
  'decisions',
  'keys',
  'pins',
  'policy',
  'runs',
];

/** Whether the file of a part has anything in it. */
export async function isThere(directory: string, part: DataPart): Promise<boolean> {
  return ((await sizeOf(directory, part)) ?? 0) > 0;
}

/** Throws `storage_unavailable` with reason `lost` and the remedy when the file of a part that is known is missing or empty. */
export async function refuseLost(
  directory: string,
  known: KnownParts,
  part: DataPart,
): Promise<void> {
  if (known[part] === undefined) return;
  const size = await sizeOf(directory, part);
  if (size === undefined) throw lostPart({ directory, known, part, how: 'is missing' });
  if (size === 0) throw lostPart({ directory, known, part, how: 'is empty' });
}

/** The fault for a part that is not all that is known of it. */
export function lostPart(options: {
  readonly directory: string;
  readonly known: KnownParts;
  readonly part: DataPart;
  readonly how: string;
}): HostError {
  const { directory, known, part, how } = options;
  const { atMs = 0, ...facts } = known[part] ?? {};
  const what = Object.entries(facts).map(([name, value]) => `, ${name} ${String(value)}`);
  const backup = part === 'runs' ? ', restore a backup with `model-host storage restore`' : '';
  return new HostError(
    'storage_unavailable',
    `${join(directory, partFiles[part].file)}: ${how}; it was there at ${new Date(atMs).toISOString()}${what.join('')}. Put it back${backup}, or run \`model-host storage accept-loss ${part}\`: the next start goes on without and puts that on record`,
    { facts: { reason: 'lost', part } },
  );
}

/**
 * Moves what is left of a lost part aside, as `<name>.lost-<time>`. Of a part whose file is there only the note on its end goes,
 * which would refuse what the loss has left. Gives whether anything was moved.
 */
export async function moveRemainsAside(
  directory: string,
  part: DataPart,
  timeMs: number,
): Promise<boolean> {
  const { file, beside } = partFiles[part];
  const isGone = !(await isThere(directory, part));
  if (!isGone && part !== 'audit') return false;
  if (isGone) await rm(join(directory, file), { force: true });
  const moved = await Promise.all(
    beside.map(async (name) => moveAside(join(directory, name), timeMs)),
  );
  return moved.includes(true);
}

async function moveAside(path: string, timeMs: number): Promise<boolean> {
  try {
    await rename(path, `${path}.lost-${timeMs}`);
    return true;
  } catch (cause) {
    if (isMissing(cause)) return false;
    throw cause;
  }
}

/** Undefined for a file that is not there. */
async function sizeOf(directory: string, part: DataPart): Promise<number | undefined> {
  try {
    return (await stat(join(directory, partFiles[part].file))).size;
  } catch (cause) {
    if (isMissing(cause)) return undefined;
    throw cause;
  }
}

function isMissing(cause: unknown): boolean {
  if (!(cause instanceof Error && 'code' in cause)) return false;
  // A file in the place of its directory.
  return cause.code === 'ENOENT' || cause.code === 'ENOTDIR';
}

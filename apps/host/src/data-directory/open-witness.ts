import type { AuditLog, Keys } from '@modelhost/kernel';
import type { StoreMark, StoreWitness } from '@modelhost/store-sqlite';
import { dataParts, isThere, lostPart, refuseLost } from './data-parts.ts';
import { reachedPathIn, readDataRecord, writeDataRecord } from './data-record.ts';
import type { DataPart, DataRecord, KnownParts } from './data-record.ts';
import { createPolicyProgress } from './policy-progress.ts';
import { keyIdOf, readSealingKeys, withoutKey } from './sealing-keys.ts';

/** Remembers what a data directory had in it, so that nothing of it is begun anew without a word. */
export interface DataWitness {
  /** Told by the store of runs how far it got; notes all other parts with it. */
  readonly runs: StoreWitness;
  /** Throws when the rest of the directory is sealed under another key. */
  checkKeys(keys: Keys): void;
  /** Throws when the log lost its end; else puts on record what somebody accepted to go on without. Comes before any other record. */
  checkAudit(audit: AuditLog): Promise<void>;
  /** Notes what is there now. */
  note(): Promise<void>;
}

/** What a witness needs. */
export interface WitnessOptions {
  readonly directory: string;
  /** Whether the master key comes from elsewhere than the directory. */
  readonly hasForeignKey: boolean;
  readonly now: () => number;
}

/** Parts of which is told whether they are there. */
const plainParts = ['decisions', 'pins', 'policy'] as const;

/**
 * Looks at a data directory before anything in it is opened or made. Throws `storage_unavailable` with reason `lost` for a part
 * that was there and is not. The directory may be another host's still: nothing is written before a part is open.
 */
export async function openWitness(options: WitnessOptions): Promise<DataWitness> {
  const { directory, hasForeignKey, now } = options;
  let record: DataRecord = await readDataRecord(directory);
  const opened: { keys?: string; audit?: AuditLog } = {};
  let writing: Promise<void> = Promise.resolve();
  for (const part of dataParts) {
    if (part === 'keys' && hasForeignKey) continue;
    // oxlint-disable-next-line no-await-in-loop -- the first that is lost is named
    await refuseLost(directory, record.known, part);
  }

  const checkSealed = await createSealedCheck(directory, record, hasForeignKey);
  const readProgress = createPolicyProgress(directory);
  const progress = await readProgress();
  const { revisions = '0' } = record.known.policy ?? {};
  if (progress !== undefined && BigInt(progress) < BigInt(revisions)) {
    throw lost('policy', `is from before its last activation (revisions ${progress})`);
  }

  function lost(part: DataPart, how: string): Error {
    return lostPart({ directory, known: record.known, part, how });
  }

  async function note(runs?: StoreMark): Promise<void> {
    const atMs = now();
    const there = await Promise.all(plainParts.map(async (part) => isThere(directory, part)));
    const seen = plainParts.filter((_, index) => there[index] === true);
    const head = opened.audit?.head();
    const policy = await readProgress();
    const known: KnownParts = {
      ...record.known,
      ...Object.fromEntries(seen.map((part) => [part, { atMs }])),
      ...(policy !== undefined && { policy: { revisions: policy, atMs } }),
      ...(opened.keys !== undefined && { keys: { digest: opened.keys, atMs } }),
      ...(head !== undefined && { audit: { index: head.index, hash: head.hash, atMs } }),
      ...(runs !== undefined && { runs: { ...runs, atMs } }),
    };
    record = { ...record, known };
    const written = writing.then(async () => writeDataRecord(directory, record));
    writing = written.catch(() => {});
    await written;
  }

  async function checkAudit(audit: AuditLog): Promise<void> {
    const known = record.known.audit;
    const head = audit.head();
    if (known !== undefined) {
      const index = head?.index ?? -1;
      if (index < known.index) throw lost('audit', `ends at ${index}`);
      if (index === known.index && head?.hash !== known.hash) throw lost('audit', 'is another log');
    }
    opened.audit = audit;
    for (const { part, action, atMs, known: before } of record.accepted) {
      const facts = { action, part, atMs, known: before };
      const place = { tenant: '', runId: '', step: '', actor: 'operator' };
      // oxlint-disable-next-line no-await-in-loop -- in the order in which they came
      await audit.append({ kind: 'storage', ...place, facts });
    }
    record = { ...record, accepted: [] };
  }

  return {
    runs: { known: record.known.runs, note, reachedPath: reachedPathIn(directory) },
    checkKeys: (keys) => {
      const digest = keys.commit('data directory', 'witness');
      const known = record.known.keys;
      if (known !== undefined && known.digest !== digest) throw lost('keys', 'is another key');
      checkSealed(keys);
      opened.keys = digest;
    },
    checkAudit,
    note: async () => note(),
  };
}

/** Whether runs were sealed under the keys, where nothing else tells. Throws when they were sealed under a key that is not there at all. */
async function createSealedCheck(
  directory: string,
  record: DataRecord,
  hasForeignKey: boolean,
): Promise<(keys: Keys) => void> {
  const sealingKeys = await readUnknownKeys(directory, record);
  const [usual] = sealingKeys;
  if (usual === undefined) return () => {};
  // A new one would be made.
  if (!hasForeignKey && !(await isThere(directory, 'keys'))) throw withoutKey(directory, usual);
  return (keys) => {
    const own = keyIdOf(keys);
    if (!sealingKeys.includes(own)) throw withoutKey(directory, usual, own);
  };
}

/** The keys that runs were sealed under, where it is neither known which key there was, nor said to go on without it. */
async function readUnknownKeys(
  directory: string,
  { known, accepted }: DataRecord,
): Promise<readonly string[]> {
  const isGivenUp = accepted.some(
    ({ part, action }) => part === 'keys' && action === 'loss-accepted',
  );
  if (known.keys !== undefined || isGivenUp || !(await isThere(directory, 'runs'))) return [];
  try {
    return readSealingKeys(directory);
  } catch {
    // Whoever opens the store says what is wrong with it.
    return [];
  }
}

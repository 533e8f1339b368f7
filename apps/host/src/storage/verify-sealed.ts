import { join } from 'node:path';
import { createEndCheck, createSealingCodec } from '@modelhost/engine-embedded';
import { HostError, toErrorData } from '@modelhost/kernel';
import { findKeys } from '@modelhost/keys-file';
import { readSealedTexts } from '@modelhost/store-sqlite';
import { readSealingKeys, withoutKey } from '../data-directory/sealing-keys.ts';

/** How many of those that do not open are named. */
const namedMax = 20;

/**
 * Opens everything that is sealed in the runs of a data directory, and gives how much that is. Throws `storage_unavailable` where something
 * does not open: with reason `corrupt` and the places, or with the key that is not at hand.
 */
export async function verifySealed(
  dataDirectory: string,
  environmentValue: string | undefined,
): Promise<number> {
  const keys = await findKeys({ path: join(dataDirectory, 'master.key'), environmentValue });
  if (keys === undefined) {
    const [keyId] = readSealingKeys(dataDirectory);
    if (keyId !== undefined) throw withoutKey(dataDirectory, keyId);
    return 0;
  }
  const codec = createSealingCodec(keys);
  const ends = createEndCheck();
  const closed: string[] = [];
  const missingKeys = new Set<string>();
  let opened = 0;
  for (const { place, bytes } of readSealedTexts(join(dataDirectory, 'runs'))) {
    try {
      ends.see(place, codec.decode(bytes, place));
      opened += 1;
    } catch (thrown) {
      closed.push(`${place.part} of ${place.runId} (${place.tenant})`);
      const { facts } = toErrorData(thrown);
      if (facts['key_id'] !== undefined) missingKeys.add(facts['key_id']);
    }
  }
  if (closed.length === 0) {
    refuseEndless(
      dataDirectory,
      ends.missing().map(({ runId, tenant }) => `${runId} (${tenant})`),
    );
    return opened;
  }
  const [missing] = missingKeys;
  const why =
    missing === undefined
      ? 'They are damaged: restore a backup, or go on without them'
      : `They are sealed under ${[...missingKeys].join(' or ')}, which is not the key at hand: put that key back`;
  throw new HostError(
    'storage_unavailable',
    `${join(dataDirectory, 'runs')}: ${closed.length} of ${closed.length + opened} sealed records do not open: ${nameFew(closed)}. ${why}`,
    {
      facts: missing === undefined ? { reason: 'corrupt' } : { reason: 'no_key', key_id: missing },
    },
  );
}

function refuseEndless(dataDirectory: string, runs: readonly string[]): void {
  if (runs.length === 0) return;
  throw new HostError(
    'storage_unavailable',
    `${join(dataDirectory, 'runs')}: the end of the journal is missing of ${nameFew(runs)}. Restore a backup, or go on without`,
    { facts: { reason: 'corrupt' } },
  );
}

function nameFew(names: readonly string[]): string {
  const named = names.slice(0, namedMax).join(', ');
  return names.length > namedMax ? `${named} and ${names.length - namedMax} more` : named;
}

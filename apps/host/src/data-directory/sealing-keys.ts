import { join } from 'node:path';
import { HostError } from '@modelhost/kernel';
import type { Keys } from '@modelhost/kernel';
import { sealingKeyOf } from '@modelhost/engine-embedded';
import { readSealedTexts } from '@modelhost/store-sqlite';

/** How many of the newest runs are looked at: an id may be damaged like anything else. */
const looksMax = 20;

/** The ids of the keys that the newest of what is kept was sealed under, the usual one first; none where nothing is kept. */
export function readSealingKeys(dataDirectory: string): readonly string[] {
  const counts = new Map<string, number>();
  let looks = 0;
  for (const { bytes } of readSealedTexts(join(dataDirectory, 'runs'))) {
    const keyId = sealingKeyOf(bytes);
    counts.set(keyId, (counts.get(keyId) ?? 0) + 1);
    looks += 1;
    if (looks === looksMax) break;
  }
  return [...counts.keys()].toSorted(
    (one, other) => (counts.get(other) ?? 0) - (counts.get(one) ?? 0),
  );
}

/** Names the key that these keys seal under. */
export function keyIdOf(keys: Pick<Keys, 'seal'>): string {
  return keys.seal('', 'key id').keyId;
}

/** Of a directory whose runs were sealed under a key that is not at hand. `own`: the one that is, if there is one. */
export function withoutKey(dataDirectory: string, keyId: string, own?: string): HostError {
  const there = own === undefined ? 'is missing' : `is the key ${own}`;
  return new HostError(
    'storage_unavailable',
    `${join(dataDirectory, 'master.key')}: ${there}, and what is kept of runs was sealed under the key ${keyId}. Put that one there (it belongs to a backup), or run \`model-host storage accept-loss keys\`: the next start goes on without what it sealed and puts that on record`,
    { facts: { reason: 'lost', part: 'keys', key_id: keyId } },
  );
}

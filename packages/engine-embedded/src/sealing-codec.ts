import { HostError, toErrorData } from '@modelhost/kernel';
import type { Keys, Sealed } from '@modelhost/kernel';
import type { RunCodec, SealedPlace } from './codec.ts';

/** The first byte of what is sealed, so that another way to seal can come later. */
const sealedByKeys = 1;

type SealingKeys = Pick<Keys, 'seal' | 'unseal'>;

/**
 * Seals what is kept of runs and sessions: nothing readable gets to the disk. Laid out as one byte for the kind, one for the
 * length of the key's id, the id, and nonce, ciphertext and tag. Each run has a key of its own, and what a text is stands in
 * front of it: a key for each text would cost more than sealing it. What does not open is `storage_unavailable`: its fact
 * `reason` is `corrupt`, or `no_key` with the `key_id` that is not at hand.
 */
export function createSealingCodec(keys: SealingKeys): RunCodec {
  return {
    encode: (text, { tenant, runId, part }) => {
      const { keyId, data } = keys.seal(`${part}\n${text}`, contextOf(tenant, runId));
      const id = Buffer.from(keyId, 'utf8');
      return Buffer.concat([Buffer.of(sealedByKeys, id.length), id, Buffer.from(data, 'base64')]);
    },
    decode: (bytes, place) => {
      const { tenant, runId, part } = place;
      const sealed = readSealed(bytes);
      let text: string;
      try {
        text = keys.unseal(sealed, contextOf(tenant, runId));
      } catch (cause) {
        throw closed(keys, sealed, place, cause);
      }
      if (bytes[0] === sealedByKeys && text.startsWith(`${part}\n`)) {
        return text.slice(part.length + 1);
      }
      throw corrupt(place);
    },
  };
}

/** Names the key that a text was sealed under; whatever is there, where the text is damaged. */
export function sealingKeyOf(bytes: Uint8Array): string {
  return readSealed(bytes).keyId;
}

function readSealed(bytes: Uint8Array): Sealed {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = 2 + (buffer[1] ?? 0);
  return { keyId: buffer.toString('utf8', 2, end), data: buffer.toString('base64', end) };
}

function contextOf(tenant: string, runId: string): string {
  return `${tenant}/run/${runId}`;
}

/** A bit of the id may have changed as well as any other: only what looks like the id of a key names one. */
function closed(
  keys: SealingKeys,
  { keyId, data }: Sealed,
  place: SealedPlace,
  cause: unknown,
): HostError {
  if (toErrorData(cause).facts['reason'] !== 'no_key') return corrupt(place, cause);
  const { tenant, runId, part } = place;
  const context = contextOf(tenant, runId);
  const own = keys.seal('', context).keyId;
  if (keyId.length !== own.length || !/^[\w-]+$/.test(keyId)) return corrupt(place, cause);
  try {
    keys.unseal({ keyId: own, data }, context);
    return corrupt(place, cause);
  } catch {
    return new HostError(
      'storage_unavailable',
      `what is kept as ${part} of ${runId} is sealed under the key ${keyId}, which is not at hand: put that key back`,
      { cause, facts: { reason: 'no_key', key_id: keyId } },
    );
  }
}

function corrupt({ runId, part }: SealedPlace, cause?: unknown): HostError {
  return new HostError(
    'storage_unavailable',
    `what is kept as ${part} of ${runId} does not open: it is damaged`,
    { cause, facts: { reason: 'corrupt' } },
  );
}

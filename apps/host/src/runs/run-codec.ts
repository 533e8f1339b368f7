import type { RunCodec } from '@modelhost/engine-embedded';
import type { Keys } from '@modelhost/kernel';

/** The first byte of what is sealed, so that another way to seal can come later. */
const sealedByKeys = 1;

/**
 * Seals what the engine keeps of runs: nothing readable gets to the disk. Laid out as one byte for the kind, one for the
 * length of the key's id, the id, and nonce, ciphertext and tag.
 */
export function createRunCodec(keys: Keys): RunCodec {
  return {
    encode: (text, { tenant, runId, part }) => {
      const { keyId, data } = keys.seal(text, contextOf(tenant, runId, part));
      const id = Buffer.from(keyId, 'utf8');
      return Buffer.concat([Buffer.of(sealedByKeys, id.length), id, Buffer.from(data, 'base64')]);
    },
    decode: (bytes, { tenant, runId, part }) => {
      const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const end = 2 + (sealed[1] ?? 0);
      const keyId = sealed.toString('utf8', 2, end);
      const data = sealed.toString('base64', end);
      return keys.unseal({ keyId, data }, contextOf(tenant, runId, part));
    },
  };
}

function contextOf(tenant: string, runId: string, part: string): string {
  return `${tenant}/run/${runId}/${part}`;
}

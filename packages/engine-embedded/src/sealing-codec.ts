import { HostError } from '@modelhost/kernel';
import type { Keys } from '@modelhost/kernel';
import type { RunCodec } from './codec.ts';

/** The first byte of what is sealed, so that another way to seal can come later. */
const sealedByKeys = 1;

/**
 * Seals what is kept of runs and sessions: nothing readable gets to the disk. Laid out as one byte for the kind, one for the
 * length of the key's id, the id, and nonce, ciphertext and tag. Each run has a key of its own, and what a text is stands in
 * front of it: a key for each text would cost more than sealing it.
 */
export function createSealingCodec(keys: Pick<Keys, 'seal' | 'unseal'>): RunCodec {
  return {
    encode: (text, { tenant, runId, part }) => {
      const { keyId, data } = keys.seal(`${part}\n${text}`, contextOf(tenant, runId));
      const id = Buffer.from(keyId, 'utf8');
      return Buffer.concat([Buffer.of(sealedByKeys, id.length), id, Buffer.from(data, 'base64')]);
    },
    decode: (bytes, { tenant, runId, part }) => {
      const sealed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const end = 2 + (sealed[1] ?? 0);
      const keyId = sealed.toString('utf8', 2, end);
      const data = sealed.toString('base64', end);
      const text = keys.unseal({ keyId, data }, contextOf(tenant, runId));
      if (sealed[0] === sealedByKeys && text.startsWith(`${part}\n`)) {
        return text.slice(part.length + 1);
      }
      throw new HostError('internal', `what is kept as ${part} of a run is something else`);
    },
  };
}

function contextOf(tenant: string, runId: string): string {
  return `${tenant}/run/${runId}`;
}

import { HostError } from '@modelhost/kernel';
import { readEnvelope, type Envelope } from './envelope.ts';
import { refuse, type Reading, type Refused } from './refusals.ts';
import { checkThreshold, countSignatures, keepScope } from './signatures.ts';
import { phaseOf, type Moment } from './times.ts';
import {
  readRootPayload,
  trustRootBytesMax,
  trustRootPayloadType,
  type TrustRoot,
} from './trust-root.ts';

/** What else a root has to stand up to. */
export interface TrustRootConditions {
  /** Given for a root that is new to the host: it and the keys it needs must not be over. Left out for one that was taken before. */
  readonly nowMs?: number | undefined;
  /** The digest that the operator pinned, in hex. */
  readonly digest?: string | undefined;
}

/**
 * Takes a trust root. The first one is trusted because the operator gave it; each later one is signed by the keys of the
 * one before it and by its own. The same root again is taken as well. Throws `config_invalid` with the place and the
 * remedy, and the refusal as the fact `refusal`.
 */
export function readTrustRoot(
  bytes: Uint8Array,
  previous?: TrustRoot,
  conditions: TrustRootConditions = {},
): TrustRoot {
  const root = read(bytes, previous, conditions);
  if (root.type === 'read') return root.value;
  throw new HostError('config_invalid', `trust root: ${root.message}`, {
    facts: { refusal: root.code },
  });
}

function read(
  bytes: Uint8Array,
  previous: TrustRoot | undefined,
  conditions: TrustRootConditions,
): Reading<TrustRoot> {
  const { nowMs, digest } = conditions;
  const moment: Moment | undefined = nowMs === undefined ? undefined : { nowMs, graceMs: 0 };
  const envelope = readEnvelope(bytes, {
    payloadType: trustRootPayloadType,
    bytesMax: trustRootBytesMax,
  });
  if (envelope.type === 'refused') return envelope;
  const root = readRootPayload(envelope.value.payload, moment);
  if (root.type === 'refused') return root;
  return (
    checkPin(root.value, digest) ??
    checkSuccession(root.value, previous) ??
    checkSignedBy(envelope.value, previous, moment) ??
    checkSignedBy(envelope.value, root.value, moment) ??
    checkExpiry(root.value, moment) ??
    root
  );
}

function checkPin(root: TrustRoot, digest: string | undefined): Refused | undefined {
  if (digest === undefined || digest === root.digest) return undefined;
  return refuse(
    'manifest',
    'digest: is not the one that is pinned; compare it with who made the root, then change the pin',
  );
}

function checkSuccession(root: TrustRoot, previous: TrustRoot | undefined): Refused | undefined {
  if (previous === undefined || root.digest === previous.digest) return undefined;
  if (root.version !== previous.version + 1) {
    return refuse(
      root.version > previous.version ? 'manifest' : 'revision-rollback',
      `version: must be ${previous.version + 1}, one above the root that is in force; take the roots in their order`,
    );
  }
  // A key that is left out once could be listed again by the root after.
  const missing = previous.revoked.find((keyId) => !root.revoked.includes(keyId));
  if (missing === undefined) return undefined;
  return refuse(
    'revoked-key',
    `revoked: lacks ${missing}, which the root before revoked; list it again, and make a new key`,
  );
}

function checkSignedBy(
  envelope: Envelope,
  root: TrustRoot | undefined,
  moment: Moment | undefined,
): Refused | undefined {
  if (root === undefined) return undefined;
  const count = countSignatures(envelope, trustRootPayloadType, root, moment);
  if (count.type === 'refused') return count;
  const inScope = keepScope(count.value, (scope) => scope === 'root');
  return checkThreshold(inScope, root.thresholds.root, `root version ${root.version}`);
}

function checkExpiry(root: TrustRoot, moment: Moment | undefined): Refused | undefined {
  if (moment === undefined || phaseOf(root.expires, moment) !== 'over') return undefined;
  return refuse('trust-root-expired', 'expires: has passed; publish the next version of the root');
}

import { bundleBytesMax, bundlePayloadType, readPayload, type Bundle } from './bundle.ts';
import { readEnvelope } from './envelope.ts';
import { describeScope, isSameScope, type BundleManifest, type BundleScope } from './manifest.ts';
import { refuse, type Refused } from './refusals.ts';
import {
  checkThreshold,
  countSignatures,
  keepScope,
  type KeyScope,
  type SignatureCount,
} from './signatures.ts';
import { clockSkewMs, phaseOf, readTime, type Moment } from './times.ts';
import type { TrustRoot } from './trust-root.ts';
import { isAtLeast } from './versions.ts';

/** The highest revision of a bundle that was ever in force here, and what it held. */
export interface HighWaterMark {
  readonly revision: number;
  readonly digest: string;
}

/** What a bundle has to stand up to. */
export interface VerifyOptions {
  readonly trust: TrustRoot;
  readonly nowMs: number;
  readonly hostVersion: string;
  readonly cedarVersion: string;
  /** Without one, any revision passes. */
  readonly mark?: HighWaterMark | undefined;
  /** Without one, a bundle of any scope passes whose keys may sign for it. */
  readonly scope?: BundleScope | undefined;
  readonly name?: string | undefined;
  /** For a bundle that is in force already: how long past its end, its keys' and its trust root's it is `stale` and not refused. */
  readonly graceMs?: number | undefined;
}

/** Up to here whatever is wrong is told exactly. */
const sureReadBytesMax = 262_144;

/** A bundle that may be used as far as its envelope tells; its rules have not been compiled. */
export interface Verified {
  readonly type: 'verified';
  readonly bundle: Bundle;
  /** Ids of the distinct keys that count, sorted. */
  readonly signedBy: readonly string[];
  /** Whether it passed only because of the grace. */
  readonly isStale: boolean;
}

/**
 * Checks an envelope from the outside in, and believes nothing of the payload before enough trusted keys are known to have
 * signed it. Never throws. Takes the thread for as long as the size asks for: some 0.2 s for 16 MiB.
 */
export function verifyBundle(
  envelopeBytes: Uint8Array,
  options: VerifyOptions,
): Verified | Refused {
  const { trust, nowMs, graceMs = 0 } = options;
  const moment: Moment = { nowMs, graceMs };
  const bounds = { payloadType: bundlePayloadType, bytesMax: bundleBytesMax };
  if (isLargeOfNobody(envelopeBytes, trust)) {
    return refuse(
      'unknown-key',
      'signatures: name no key of the trust root; sign it with one, or have a new trust root list the key',
    );
  }
  const envelope = readEnvelope(envelopeBytes, bounds);
  if (envelope.type === 'refused') return envelope;
  const rootPhase = phaseOf(trust.expires, moment);
  if (rootPhase === 'over') {
    return refuse('trust-root-expired', 'trust root: expires has passed; publish its next version');
  }
  const count = countSignatures(envelope.value, bundlePayloadType, trust, moment);
  if (count.type === 'refused') return count;
  // Whose bundle it is stands in the payload, so that what any bundle needs is asked for first.
  const least = Math.min(trust.thresholds.platform, trust.thresholds.tenant);
  const anyScope = keepScope(count.value, (scope) => scope !== 'root');
  const early = checkThreshold(anyScope, least, 'a bundle');
  if (early !== undefined) return early;
  let inScope = anyScope;
  const bundle = readPayload(envelope.value.payload, (manifest, digest) => {
    inScope = keepScope(count.value, (scope) => isScopeOf(scope, manifest.scope));
    return (
      checkSigners(inScope, trust, manifest.scope) ??
      checkIdentity(manifest, options) ??
      checkRevision(manifest, digest, options.mark) ??
      checkValidity(manifest, moment) ??
      checkRequirements(manifest, options)
    );
  });
  if (bundle.type === 'refused') return bundle;
  const { value } = bundle;
  return {
    type: 'verified',
    bundle: value,
    signedBy: inScope.signers.map(({ key }) => key.keyId).sort(),
    isStale:
      rootPhase === 'stale' ||
      phaseOf(value.manifest.expires, moment) === 'stale' ||
      inScope.signers.some(({ isStale }) => isStale),
  };
}

/** To read megabytes takes a good part of a second, to find the id of a key in them some milliseconds. */
function isLargeOfNobody(bytes: Uint8Array, { keys }: TrustRoot): boolean {
  if (bytes.length <= sureReadBytesMax || bytes.length > bundleBytesMax) return false;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return !keys.some(({ keyId }) => text.includes(keyId));
}

function checkSigners(
  count: SignatureCount,
  trust: TrustRoot,
  scope: BundleScope,
): Refused | undefined {
  const role = scope === 'platform' ? 'platform' : 'tenant';
  return checkThreshold(count, trust.thresholds[role], `a bundle of ${describeScope(scope)}`);
}

function isScopeOf(keyScope: KeyScope, scope: BundleScope): boolean {
  return keyScope === describeScope(scope) || (keyScope === 'tenant:*' && scope !== 'platform');
}

function checkIdentity(manifest: BundleManifest, options: VerifyOptions): Refused | undefined {
  const { name, scope } = options;
  if (name !== undefined && manifest.name !== name) {
    return refuse('name', `name: must be ${name} here; give the bundle of that name`);
  }
  if (scope !== undefined && !isSameScope(manifest.scope, scope)) {
    return refuse('scope', `scope: must be ${describeScope(scope)} here; build it for that scope`);
  }
  return undefined;
}

function checkRevision(
  manifest: BundleManifest,
  digest: string,
  mark: HighWaterMark | undefined,
): Refused | undefined {
  if (mark === undefined || manifest.revision > mark.revision) return undefined;
  if (manifest.revision < mark.revision) {
    return refuse(
      'revision-rollback',
      `revision: ${manifest.revision}, and ${mark.revision} was in force already; build the content again with a higher revision`,
    );
  }
  return digest === mark.digest
    ? undefined
    : refuse(
        'revision-reuse',
        `revision: ${manifest.revision} was used for other content; build it again with a higher revision`,
      );
}

function checkValidity(manifest: BundleManifest, moment: Moment): Refused | undefined {
  const startsMs = readTime(manifest.notBefore) ?? Number.POSITIVE_INFINITY;
  if (startsMs > moment.nowMs + clockSkewMs) {
    return refuse(
      'not-yet-valid',
      'notBefore: is still to come; wait until then, or check the clock of the host',
    );
  }
  return phaseOf(manifest.expires, moment) === 'over'
    ? refuse('expired', 'expires: has passed; build the content again with a later one')
    : undefined;
}

function checkRequirements(manifest: BundleManifest, options: VerifyOptions): Refused | undefined {
  const { host, cedar } = manifest.requires;
  if (!isAtLeast(options.hostVersion, host)) {
    return refuse('requires-host', `requires.host: needs ${host} or later; update the host`);
  }
  return isAtLeast(options.cedarVersion, cedar)
    ? undefined
    : refuse('requires-cedar', `requires.cedar: needs ${cedar} or later; update the host`);
}

import { HostError, toErrorData } from '@modelhost/kernel';
import type { DecisionReason, Principal } from '@modelhost/kernel';
import { verifyBundle } from '@modelhost/policy-bundle';
import { cedarVersion } from '@modelhost/policy-engine';
import { activateBundle } from './activate-bundle.ts';
import type { ActivationParts } from './activate-bundle.ts';
import { createConfiguredBundles } from './configured-bundles.ts';
import { asIfActive, createInForce, withLoaded } from './in-force.ts';
import type { InForce, LoadedBundle } from './in-force.ts';
import { findUntrusted, loadStored } from './load-stored.ts';
import type { LostBundle } from './load-stored.ts';
import type { PolicyRules } from './policy-rules.ts';
import { filesOf, tenantOfKey } from './policy-state.ts';
import type { Problems } from './problems.ts';
import type { Trust } from './trust.ts';
import { expiredReason } from './validity.ts';

/** What the bundles are taken with. */
export interface BundleRulesOptions {
  /** Paths of the configured bundles. */
  readonly files: readonly string[];
  readonly trustPath: string;
  readonly trust: Trust;
  readonly parts: Omit<ActivationParts, 'bundles' | 'swap' | 'trust'>;
  readonly problems: Problems;
  readonly graceMs: number;
  /** Lets these rules decide from the next decision on. */
  readonly use: (inForce: InForce) => void;
}

/** The host itself, where nobody asked. */
const host: Principal = { tenant: '', subject: 'host', roles: [] };

/** Rules that come as signed bundles. Nothing decides before they are started. */
export function createBundleRules(options: BundleRulesOptions): PolicyRules {
  const { files, trust, problems, graceMs } = options;
  const { store, hostVersion, now, log } = options.parts;
  const doubts = createDoubts(problems);
  let inForce = createInForce([]);
  let lost: readonly LostBundle[] = [];

  function use(bundles: readonly LoadedBundle[]): void {
    inForce = createInForce(bundles);
    options.use(inForce);
  }

  const parts: ActivationParts = {
    ...options.parts,
    trust: () => trust.root(),
    bundles: () => inForce.bundles,
    swap: (loaded) => {
      use(withLoaded(inForce.bundles, loaded, store.state()));
      const needed = filesOf(store.state());
      lost = lost.filter(({ stored }) => needed.has(stored.envelope));
      doubts.keep(needed);
    },
  };
  const configured = createConfiguredBundles({
    files,
    activate: async (envelope) => activateBundle(envelope, host, parts),
    revisionOf: (envelope) => revisionOf(envelope, parts),
    problems,
    log,
  });

  async function start(): Promise<void> {
    const stored = await loadStored({ store, trust: trust.root(), hostVersion });
    lost = stored.lost;
    for (const bundle of lost) doubts.add(bundle, bundle.message);
    use(stored.loaded);
    await configured.takeAll(true);
    const reason = whyNothingDecides(inForce, lost, now() - graceMs);
    if (reason === undefined) return;
    const known = problems.list().map(({ where, message }) => `${where}: ${message}`);
    throw new HostError('config_invalid', [`policies.bundles: ${reason}`, ...known].join('\n'));
  }

  async function lookAtTrust(): Promise<void> {
    try {
      const isNew = await trust.refresh();
      problems.clear(options.trustPath);
      if (!isNew) return;
      const untrusted = await findUntrusted({ store, trust: trust.root(), hostVersion });
      for (const bundle of untrusted) {
        doubts.add(bundle, `${bundle.message}; it decides until the host starts again`);
      }
    } catch (thrown) {
      problems.set(options.trustPath, toErrorData(thrown).message);
    }
  }

  return {
    start,
    look: async () => {
      await lookAtTrust();
      await configured.takeAll(false);
    },
    activate: async (envelope, by) => activateBundle(envelope, by, parts),
    asIf: (candidate) => asIfActive(inForce.bundles, candidate),
    trustRoot: async () => trust.root(),
    refusalOf: (tenant) =>
      lostReason(lost, tenant) ?? expiredReason(inForce, tenant, { nowMs: now(), graceMs }),
    bundles: () => inForce.bundles,
    source: () => inForce,
  };
}

/** Without its own rules a tenant could do what they forbid, so it can do nothing. */
function lostReason(lost: readonly LostBundle[], tenant: string): DecisionReason | undefined {
  const key = `tenant/${tenant}`;
  const own = lost.find(({ scopeKey, slot }) => slot !== 'shadow' && scopeKey === key);
  return own === undefined ? undefined : { rule: 'policy-unavailable', message: own.message };
}

/** Problems of bundles that are in force, which go when the bundles do. */
function createDoubts(problems: Problems): {
  add(bundle: Pick<LostBundle, 'scopeKey' | 'stored'>, message: string): void;
  keep(envelopes: ReadonlySet<string>): void;
} {
  const doubtful = new Map<string, string>();
  return {
    add: ({ scopeKey, stored: { name, revision, envelope } }, message) => {
      const where = `${name}@${revision}`;
      doubtful.set(where, envelope);
      problems.set(where, message, tenantOfKey(scopeKey));
    },
    keep: (envelopes) => {
      for (const [where, envelope] of doubtful) {
        if (envelopes.has(envelope)) continue;
        doubtful.delete(where);
        problems.clear(where);
      }
    },
  };
}

/** 0 for what is refused anyway. */
function revisionOf(envelope: Buffer, { trust, now, hostVersion }: ActivationParts): number {
  const options = { trust: trust(), nowMs: now(), hostVersion, cedarVersion };
  const verified = verifyBundle(envelope, options);
  return verified.type === 'verified' ? verified.bundle.manifest.revision : 0;
}

/** Undefined while something decides. Of a platform that is lost nothing else can take the place. */
function whyNothingDecides(
  { bundles }: InForce,
  lost: readonly LostBundle[],
  expiredBeforeMs: number,
): string | undefined {
  const isLost = lost.some(({ scopeKey, slot }) => scopeKey === 'platform' && slot !== 'shadow');
  if (isLost) return 'the stored bundle of the platform cannot be used; configure a good one';
  const deciding = bundles.filter(({ slot }) => slot !== 'shadow');
  if (deciding.length === 0) {
    return 'no bundle can decide; configure one that is signed, valid and passes its tests';
  }
  const platform = deciding.filter(({ scope }) => scope === 'platform');
  const needed = platform.length > 0 ? platform : deciding;
  return needed.every(({ expiresAtMs }) => expiresAtMs < expiredBeforeMs)
    ? 'what is stored has expired; configure a bundle with a later end'
    : undefined;
}

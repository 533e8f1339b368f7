import { hash } from 'node:crypto';
import { HostError, toErrorData } from '@modelhost/kernel';
import type { Principal } from '@modelhost/kernel';
import { verifyBundle } from '@modelhost/policy-bundle';
import { cedarVersion } from '@modelhost/policy-engine';
import { activateBundle } from './activate-bundle.ts';
import type { ActivationParts } from './activate-bundle.ts';
import { readConfiguredFile } from './configured-file.ts';
import { asIfActive, createInForce, withLoaded } from './in-force.ts';
import type { InForce } from './in-force.ts';
import { findUntrusted, loadStored } from './load-stored.ts';
import type { LostBundle } from './load-stored.ts';
import type { ActivationRefusal, ActivationReport } from './policy-control.ts';
import type { PolicyRules } from './policy-rules.ts';
import { filesOf } from './policy-state.ts';
import type { StoredBundle } from './policy-state.ts';
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

/** Nothing decides before it has started. One call at a time. */
export function createBundleRules(options: BundleRulesOptions): PolicyRules {
  const { files, trustPath, trust, problems, graceMs } = options;
  const { store, hostVersion, now, log } = options.parts;
  /** What was last seen of each file: the same bytes are not looked at twice, unless the next time may differ. */
  const seen = new Map<string, { readonly sha256: string; readonly isSettled: boolean }>();
  let inForce = createInForce([]);
  let lost: readonly LostBundle[] = [];
  /** Envelopes of bundles in force of which there is a problem, by its place. */
  const doubtful = new Map<string, string>();

  function doubt({ name, revision, envelope }: StoredBundle, message: string): void {
    doubtful.set(`${name}@${revision}`, envelope);
    problems.set(`${name}@${revision}`, message);
  }

  function use(next: InForce): void {
    inForce = next;
    options.use(next);
  }

  const parts: ActivationParts = {
    ...options.parts,
    trust: () => trust.root(),
    bundles: () => inForce.bundles,
    swap: (loaded) => {
      const state = store.state();
      use(createInForce(withLoaded(inForce.bundles, loaded, state)));
      const needed = filesOf(state);
      lost = lost.filter(({ stored }) => needed.has(stored.envelope));
      for (const [where, envelope] of doubtful) {
        if (needed.has(envelope)) continue;
        doubtful.delete(where);
        problems.clear(where);
      }
    },
  };

  const activate: PolicyRules['activate'] = async (envelope, by) =>
    activateBundle(envelope, by, parts);

  async function take(path: string, envelope: Buffer, isStart: boolean): Promise<void> {
    const sha256 = hash('sha256', envelope, 'hex');
    const last = seen.get(path);
    if (last?.sha256 === sha256 && last.isSettled) return;
    const report = await activate(envelope, host);
    const isOlder = isStart && report.type === 'refused' && report.code === 'revision-rollback';
    seen.set(path, { sha256, isSettled: isOlder || isFinal(report) });
    if (isOlder)
      log.info({ file: path }, 'policy: a configured bundle is older than the stored one');
    else if (report.type === 'refused') problems.set(path, report.message, tenantOf(report));
    else problems.clear(path);
    if (report.type !== 'activated') return;
    const { bundle, slot } = report;
    log.info(
      { file: path, bundle: bundle.name, revision: bundle.revision, slot },
      'policy: activated',
    );
  }

  async function takeAll(isStart: boolean): Promise<void> {
    const envelopes: { path: string; envelope: Buffer; revision: number }[] = [];
    for (const path of files) {
      try {
        const envelope = await readConfiguredFile(path);
        const isKnown = seen.get(path)?.sha256 === hash('sha256', envelope, 'hex');
        const revision = isKnown ? 0 : revisionOf(envelope, parts);
        envelopes.push({ path, envelope, revision });
      } catch (thrown) {
        seen.delete(path);
        problems.set(path, toErrorData(thrown).message);
      }
    }
    // A shadow and what it is compared with may come together: the older one has to be first.
    envelopes.sort((one, other) => one.revision - other.revision);
    for (const { path, envelope } of envelopes) await take(path, envelope, isStart);
  }

  async function lookAtTrust(): Promise<void> {
    try {
      const isNew = await trust.refresh();
      problems.clear(trustPath);
      if (!isNew) return;
      const untrusted = await findUntrusted({ store, trust: trust.root(), hostVersion });
      for (const { stored, message } of untrusted) {
        doubt(stored, `${message}; it decides until the host starts again`);
      }
    } catch (thrown) {
      problems.set(trustPath, toErrorData(thrown).message);
    }
  }

  return {
    start: async () => {
      const stored = await loadStored({ store, trust: trust.root(), hostVersion });
      lost = stored.lost;
      for (const { stored: bundle, message } of lost) doubt(bundle, message);
      use(createInForce(stored.loaded));
      await takeAll(true);
      const reasons = whyNothingDecides(inForce, lost, now() - graceMs);
      if (reasons === undefined) return;
      const known = problems.list().map(({ where, message }) => `${where}: ${message}`);
      throw new HostError('config_invalid', [`policies.bundles: ${reasons}`, ...known].join('\n'));
    },
    look: async () => {
      await lookAtTrust();
      await takeAll(false);
    },
    activate,
    asIf: (candidate) => asIfActive(inForce.bundles, candidate),
    trustRoot: async () => trust.root(),
    refusalOf: (tenant) => {
      const message = lost.find(
        ({ scopeKey, slot }) => slot !== 'shadow' && scopeKey === `tenant/${tenant}`,
      )?.message;
      if (message !== undefined) return { rule: 'policy-unavailable', message };
      return expiredReason(inForce, tenant, { nowMs: now(), graceMs });
    },
    bundles: () => inForce,
  };
}

function tenantOf({ bundle }: ActivationRefusal): string | undefined {
  return bundle === undefined || bundle.scope === 'platform' ? undefined : bundle.scope.tenant;
}

/** Whether another look at the same bytes would give the same: what failed by its content, or is in force. */
function isFinal(report: ActivationReport): boolean {
  if (report.type !== 'refused') return true;
  return report.step === 'read' || report.step === 'compile' || report.step === 'test';
}

/** 0 for what is refused anyway. */
function revisionOf(envelope: Buffer, { trust, now, hostVersion }: ActivationParts): number {
  const verified = verifyBundle(envelope, {
    trust: trust(),
    nowMs: now(),
    hostVersion,
    cedarVersion,
  });
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

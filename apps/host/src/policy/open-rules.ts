import { join } from 'node:path';
import type { DecisionLog } from '@modelhost/decision-log';
import type { AuditLog, Clock, Keys, Redactor } from '@modelhost/kernel';
import { readTrustRoot } from '@modelhost/policy-bundle';
import type { DecisionPoint } from '@modelhost/policy-engine';
import type { Logger } from 'pino';
import type { PoliciesConfig } from '../config/policies-schema.ts';
import type { PipelineStep } from './activate-bundle.ts';
import { createBundleRules } from './bundle-rules.ts';
import { readConfiguredFile } from './configured-file.ts';
import { createDirectoryRules } from './directory-rules.ts';
import type { PolicyRules } from './policy-rules.ts';
import { openPolicyStore } from './policy-store.ts';
import type { StoreStep } from './policy-store.ts';
import type { Problems } from './problems.ts';
import { onRecord } from './record-policy.ts';
import type { Shadows } from './shadows.ts';
import { openTrust } from './trust.ts';

/** What policy is made of. */
export interface PolicyControlOptions {
  readonly policies: PoliciesConfig;
  readonly pathOf: (path: string) => string;
  /** Absolute; what policy keeps is in its `policy` directory. */
  readonly dataDirectory: string;
  readonly hostVersion: string;
  readonly clock: Clock;
  readonly keys: Keys;
  /** Keeps out of the log of decisions what is hidden always, and what a decision hides. */
  readonly redactor: Redactor;
  readonly audit: AuditLog;
  readonly log: Logger;
  /** Told after each step of an activation, for tests that end the process there. */
  readonly onStep?: (step: PipelineStep | StoreStep) => void;
}

/** What rules of either kind are opened with. */
export interface OpenRulesOptions extends PolicyControlOptions {
  readonly now: () => number;
  readonly engine: DecisionPoint;
  readonly decisions: DecisionLog;
  readonly problems: Problems;
  readonly shadows: Shadows;
  readonly signal: AbortSignal;
}

/** The rules that the configuration names. They decide nothing before they are started. */
export async function openRules(options: OpenRulesOptions): Promise<PolicyRules> {
  const { policies, pathOf, audit, log, engine, problems, signal } = options;
  const { directory, trustRoot } = policies;
  if (directory === undefined) return openBundles(options);
  return createDirectoryRules({
    directory: pathOf(directory),
    audit,
    log,
    problems,
    signal,
    ...(trustRoot === undefined
      ? {}
      : {
          trustRoot: async () =>
            readTrustRoot(await readConfiguredFile(pathOf(trustRoot)), undefined, {
              digest: pinOf(options),
            }),
        }),
    use: (source) => engine.use(source),
  });
}

async function openBundles(options: OpenRulesOptions): Promise<PolicyRules> {
  const { policies, pathOf, audit, log, now, engine, decisions, problems, shadows } = options;
  const { dataDirectory, hostVersion, signal, onStep = () => {} } = options;
  // The configuration is refused without one.
  const trustPath = pathOf(policies.trustRoot ?? '');
  const store = await openPolicyStore({ directory: join(dataDirectory, 'policy'), onStep });
  const trust = await openTrust({
    path: trustPath,
    pin: pinOf(options),
    store,
    now,
    onRecord: async ({ version, digest }, take) => {
      const facts = { trustRoot: version, digest };
      await onRecord({ audit, log }, { tenant: '', actor: 'host', facts }, take);
    },
    onProblem: (message) => problems.set(trustPath, message),
  });
  return createBundleRules({
    files: (policies.bundles ?? []).map(({ file }) => pathOf(file)),
    trustPath,
    trust,
    parts: { store, engine, decisions, audit, log, now, hostVersion, signal, onStep },
    problems,
    graceMs: policies.graceMs,
    use: (inForce) => {
      engine.use(inForce);
      shadows.use(inForce.bundles);
    },
  });
}

function pinOf({ policies }: PolicyControlOptions): string | undefined {
  return policies.trustRootDigest?.replace('sha256:', '');
}

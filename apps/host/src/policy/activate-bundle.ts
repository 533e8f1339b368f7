import { hash } from 'node:crypto';
import { toErrorData } from '@modelhost/kernel';
import type { AuditLog, Principal } from '@modelhost/kernel';
import type { DecisionLog } from '@modelhost/decision-log';
import { verifyBundle } from '@modelhost/policy-bundle';
import type { Bundle, BundleScope, TrustRoot, Verified } from '@modelhost/policy-bundle';
import { cedarVersion, compileRuleSet, printTestReport } from '@modelhost/policy-engine';
import { readBundleContent, runBundleTestsApart } from '@modelhost/policy-engine';
import type {
  BundleContent,
  CompiledRuleSet,
  DecisionPoint,
  RehearsalReport,
  RuleSet,
  RuleSetSource,
  TestReport,
} from '@modelhost/policy-engine';
import type { Logger } from 'pino';
import { asIfActive } from './in-force.ts';
import type { LoadedBundle } from './in-force.ts';
import type { ActivationRefusal, ActivationReport, BundleIdentity } from './policy-control.ts';
import { markOf, nameIn, scopeKeyOf, slots, withBundle } from './policy-state.ts';
import type { BundleSlot, PolicyState } from './policy-state.ts';
import type { PolicyStore } from './policy-store.ts';
import { onRecord } from './record-policy.ts';
import { replayNewest } from './replay-newest.ts';

/** What an activation works with. */
export interface ActivationParts {
  readonly store: PolicyStore;
  readonly trust: () => TrustRoot;
  readonly engine: DecisionPoint;
  readonly decisions: DecisionLog;
  readonly audit: AuditLog;
  readonly log: Logger;
  readonly now: () => number;
  readonly hostVersion: string;
  /** What is in force now. */
  readonly bundles: () => readonly LoadedBundle[];
  /** Puts a bundle in force: one assignment, so that each decision is made under the old rules or the new ones. */
  readonly swap: (loaded: LoadedBundle) => void;
  readonly signal: AbortSignal;
  /** Told after each step, for tests that end the process there. */
  readonly onStep?: (step: PipelineStep) => void;
}

/** Between which steps a process may end, beside those of the store. */
export const pipelineSteps = [
  'verified',
  'compiled',
  'tested',
  'replayed',
  'intended',
  'swapped',
  'recorded',
] as const;
export type PipelineStep = (typeof pipelineSteps)[number];

/** A bundle on its way. */
interface Candidate {
  readonly verified: Verified;
  readonly identity: BundleIdentity;
  readonly slot: BundleSlot;
  readonly by: Principal;
}

/**
 * Takes a bundle through all that it has to stand up to, and puts it in force; the first step that it fails is told, and
 * nothing is changed then. One at a time. Rejects only when the signal aborts.
 */
export async function activateBundle(
  envelope: Uint8Array,
  by: Principal,
  parts: ActivationParts,
): Promise<ActivationReport> {
  const { onStep = () => {} } = parts;
  const verified = verify(envelope, by, parts);
  if (verified.type === 'refused') return refusal(verified.step, verified.code, verified.message);
  const identity = identityOf(verified.bundle);
  const standing = slotOfSame(parts.store.state(), identity, envelope);
  if (standing !== undefined) return { type: 'unchanged', bundle: identity, slot: standing };
  onStep('verified');
  const candidate = { verified, identity, slot: slotFor(verified.bundle), by };
  const tried = await tryOut(candidate, parts);
  if (tried.type === 'refused') return { ...tried, bundle: identity };
  const loaded = await putInForce(envelope, { ...candidate, ruleSet: tried.ruleSet }, parts);
  if (loaded.type === 'refused') return { ...loaded, bundle: identity, tests: tried.tests };
  return {
    type: 'activated',
    bundle: identity,
    slot: candidate.slot,
    signedBy: verified.signedBy,
    tests: tried.tests,
    rehearsal: tried.rehearsal,
  };
}

/** Everything but mark and name first: whose they are stands in what is verified, and is told to who may change them. */
function verify(
  envelope: Uint8Array,
  by: Principal,
  { trust, now, hostVersion, store }: ActivationParts,
): Verified | Pick<ActivationRefusal, 'type' | 'step' | 'code' | 'message'> {
  const options = { trust: trust(), nowMs: now(), hostVersion, cedarVersion };
  const verified = verifyBundle(envelope, options);
  if (verified.type === 'refused') return { ...verified, step: 'verify' };
  const { scope, name } = verified.bundle.manifest;
  const message = whyNotBy(by, scope);
  if (message !== undefined) {
    return { type: 'refused', step: 'admit', code: 'not-admitted', message };
  }
  const known = nameIn(store.state(), scope);
  const mark = markOf(store.state(), scope, name);
  if (known === undefined && mark === undefined) return verified;
  const again = verifyBundle(envelope, { ...options, mark, name: known });
  return again.type === 'refused' ? { ...again, step: 'verify' } : again;
}

/** A good signature says who wrote it; who may put it in force is another question. The host itself, of no tenant, may all. */
export function whyNotBy({ tenant, roles }: Principal, scope: BundleScope): string | undefined {
  if (tenant === '') return undefined;
  if (scope !== 'platform') {
    return scope.tenant === tenant
      ? undefined
      : 'scope: is another tenant; let one of theirs do it';
  }
  return roles.includes(platformRole)
    ? undefined
    : `scope: a bundle of the platform needs the role ${platformRole}; or name its file in the configuration`;
}

/** Whoever has it changes the rules of every tenant. */
export const platformRole = 'platform-admin';

type Tried =
  | {
      readonly type: 'tried';
      readonly ruleSet: RuleSet;
      readonly tests: TestReport;
      readonly rehearsal: RehearsalReport | undefined;
    }
  | ActivationRefusal;

/** Compiles it, runs its tests, and asks it about what was decided lately. */
async function tryOut(candidate: Candidate, parts: ActivationParts): Promise<Tried> {
  const { verified } = candidate;
  const { onStep = () => {}, signal, log } = parts;
  let content: BundleContent;
  try {
    content = contentOf(verified.bundle);
  } catch (thrown) {
    return refusal('read', 'content-invalid', toErrorData(thrown).message);
  }
  const source = sourceOf(verified.bundle, content);
  let ruleSet: CompiledRuleSet;
  try {
    ruleSet = await compileRuleSet(source, { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    return refusal('compile', 'rules-invalid', toErrorData(thrown).message);
  }
  const warnings = ruleSet.warnings.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  if (warnings.length > 0) {
    const facts = { ...factsOf(candidate.identity), warnings: warnings.slice(0, warningsMax) };
    log.warn(facts, 'policy: rules of a bundle may not be what was meant');
  }
  onStep('compiled');
  let tests: TestReport;
  try {
    tests = await runBundleTestsApart(source, content.tests, { signal });
  } catch (thrown) {
    signal.throwIfAborted();
    return refusal('test', 'tests-failed', toErrorData(thrown).message);
  }
  if (!tests.isPassed) {
    return { ...refusal('test', 'tests-failed', printTestReport(tests, 'failed')), tests };
  }
  onStep('tested');
  const rehearsal = await rehearse({ ...candidate, ruleSet }, parts);
  onStep('replayed');
  return { type: 'tried', ruleSet, tests, rehearsal };
}

const warningsMax = 20;

/** Decisions that cannot be read keep nothing from being put in force. */
async function rehearse(
  candidate: Candidate & { readonly ruleSet: RuleSet },
  parts: ActivationParts,
): Promise<RehearsalReport | undefined> {
  const { engine, bundles, decisions, log, now, signal } = parts;
  const { by } = candidate;
  const loaded = loadedFrom(candidate, { envelope: '', atMs: now() });
  try {
    return await replayNewest({
      decisions,
      candidate: engine.asIf(asIfActive(bundles(), loaded)),
      // What others were decided is none of a tenant's business; the host itself sees all.
      tenant: by.tenant === '' ? tenantOf(loaded) : by.tenant,
      signal,
    });
  } catch (cause) {
    signal.throwIfAborted();
    log.warn({ err: cause, ...factsOf(candidate.identity) }, 'policy: nothing could be rehearsed');
    return undefined;
  }
}

async function putInForce(
  envelope: Uint8Array,
  candidate: Candidate & { readonly ruleSet: RuleSet },
  parts: ActivationParts,
): Promise<{ readonly type: 'in-force' } | ActivationRefusal> {
  const { store, now, swap, onStep = () => {} } = parts;
  const { identity, slot, by, verified } = candidate;
  let step: 'record' | 'store' = 'record';
  try {
    const facts = { ...factsOf(identity), slot, signedBy: verified.signedBy };
    const tenant = identity.scope === 'platform' ? '' : identity.scope.tenant;
    const actor = by.tenant === '' ? by.subject : `${by.tenant}/${by.subject}`;
    await onRecord(parts, { tenant, actor, facts }, async () => {
      onStep('intended');
      step = 'store';
      const kept = await store.keep(envelope);
      const loaded = loadedFrom(candidate, { envelope: kept, atMs: now() });
      const bundle = loaded.stored;
      await store.commit(withBundle(store.state(), { scope: identity.scope, slot, bundle }));
      swap(loaded);
      onStep('swapped');
    });
    onStep('recorded');
    parts.log.info({ ...factsOf(identity), slot, by: by.subject }, 'policy: a bundle is in force');
    return { type: 'in-force' };
  } catch (thrown) {
    const { message } = toErrorData(thrown);
    parts.log.error({ err: thrown, ...factsOf(identity) }, 'policy: an activation failed');
    return refusal(step, step === 'record' ? 'audit-unavailable' : 'store-failed', message);
  }
}

/** The content of a verified bundle. Throws `config_invalid`. */
export function contentOf({ files, manifest }: Bundle): BundleContent {
  const all = files.map(({ path, content }) => ({ name: path, text: content }));
  return readBundleContent(all, manifest.scope);
}

/** The rules of a verified bundle, for a compiler. */
export function sourceOf(
  { manifest, digest }: Bundle,
  { rules, tools }: BundleContent,
): RuleSetSource {
  const { name, scope, revision } = manifest;
  return { name, scope, revision, digest, files: rules, tools };
}

/** The bundle with what is kept of it. */
export function loadedFrom(
  { verified, slot, by, ruleSet }: Omit<Candidate, 'identity'> & { readonly ruleSet: RuleSet },
  { envelope, atMs }: { readonly envelope: string; readonly atMs: number },
): LoadedBundle {
  const { manifest, digest } = verified.bundle;
  const { name, revision, scope, expires } = manifest;
  return {
    scope,
    slot,
    stored: {
      envelope,
      name,
      revision,
      digest,
      activatedAtMs: atMs,
      activatedBy: by.subject,
      activatedByTenant: by.tenant,
    },
    manifest,
    signedBy: verified.signedBy,
    ruleSet,
    expiresAtMs: Date.parse(expires),
  };
}

function identityOf({ manifest, digest }: Bundle): BundleIdentity {
  const { name, scope, revision } = manifest;
  return { name, scope, revision, digest };
}

function factsOf({ name, scope, revision, digest }: BundleIdentity) {
  return { bundle: name, scope: scopeKeyOf(scope), revision, digest };
}

function tenantOf({ scope }: LoadedBundle): string | undefined {
  return scope === 'platform' ? undefined : scope.tenant;
}

function slotFor({ manifest }: Bundle): BundleSlot {
  if (manifest.mode === 'shadow') return 'shadow';
  return manifest.canary.length > 0 ? 'canary' : 'active';
}

/** The same content under other signatures is taken anew: those that it was stored with may count no more. */
function slotOfSame(
  state: PolicyState,
  { scope }: BundleIdentity,
  envelope: Uint8Array,
): BundleSlot | undefined {
  const standing = state.scopes[scopeKeyOf(scope)];
  const sha256 = hash('sha256', envelope, 'hex');
  return slots.find((slot) => standing?.[slot]?.envelope === sha256);
}

function refusal(
  step: ActivationRefusal['step'],
  code: ActivationRefusal['code'],
  message: string,
): ActivationRefusal {
  return { type: 'refused', step, code, message, bundle: undefined, tests: undefined };
}

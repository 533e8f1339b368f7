import { HostError, noObligations, plainLabels, sha256Hex } from '@modelhost/kernel';
import type {
  ApprovalGate,
  AuditLog,
  AuditReceipt,
  AuditRecord,
  Decision,
  DecisionBasis,
  Keys,
  Obligations,
  PolicyAction,
  PolicyEngine,
  PolicyRequest,
} from '@modelhost/kernel';
import { pause } from './pause.ts';
import { noteAsked, noteDecided } from './policy-notes.ts';
import type { Random } from './random.ts';
import { isPassed } from './rule-oracle.ts';
import type { HostWorld } from './world.ts';

/** Policy that allows, denies, holds and obliges at random, but always the same for the same question. */
export function createFakePolicy(world: HostWorld): PolicyEngine {
  const { clock, outside, facts, count } = world;

  async function decide(request: PolicyRequest): Promise<Decision> {
    const { action, context, principal } = request;
    const { runId, callDigest, approval, nowMs } = context;
    const subject = callDigest === '' ? count(`policy/${runId}/${action}`) : callDigest;
    const place = `policy/${runId}/${action}/${subject}`;
    const gates = outside.take(`${place}/gates`, drawGates);
    noteAsked(world, request);
    if (approval !== undefined && !isPassed(gates, approval.votes, principal.subject)) {
      facts.violate('I10', `${runId}: policy is asked again with too few votes`);
    }
    const isApproved =
      approval !== undefined &&
      approval.callDigest === callDigest &&
      approval.expiresAtMs >= nowMs &&
      isPassed(gates, approval.votes, principal.subject);
    const script = outside.take(`${place}/${isApproved ? 'approved' : 'first'}`, drawDecision);
    if (script.delayMs > 0) await pause(clock, script.delayMs, undefined);
    const decision = decisionOf(action, { isApproved, script, gates });
    noteDecided(world, request, decision);
    return decision;
  }

  return {
    decide,
    visible: async ({ principal }, listed) => {
      const place = `visible/${principal.tenant}/${count('visible')}`;
      const hidden = outside.take(place, (random) =>
        random.chance(0.1) ? random.int(0, 3) : null,
      );
      return listed.filter((_tool, index) => index !== hidden);
    },
    digest: () => 'fake',
  };
}

interface DecisionScript {
  readonly delayMs: number;
  readonly roll: number;
  readonly ttlMs: number;
  readonly obligations: Obligations;
}

function drawDecision(random: Random): DecisionScript {
  return {
    delayMs: random.chance(0.7) ? 0 : random.int(0, 5),
    roll: random.next(),
    ttlMs: random.int(10, 2_000),
    obligations: random.chance(0.8) ? noObligations : drawObligations(random),
  };
}

/** Some of what each enforcement point keeps; what does not belong to the action says nothing there. */
function drawObligations(random: Random): Obligations {
  return {
    ...noObligations,
    redact: {
      detectors: random.pick<Obligations['redact']['detectors']>([{}, {}, { email: 'mask' }]),
      arguments: [],
    },
    // Where nothing else is hidden, a mailbox comes back.
    reveal: random.pick<Obligations['reveal']>([{}, { value: ['email'] }]),
    limits: random.pick<Obligations['limits']>([
      {},
      { maxOutputTokens: random.int(1, 100) },
      { resultBytesMax: random.int(0, 40) },
      { timeoutMsMax: random.int(1, 300) },
    ]),
    transforms: random.pick([[], ['strip_links'], ['strip_invisible', 'strip_markup']]),
    labels: {
      ...plainLabels,
      integrity: random.pick(['trusted', 'untrusted']),
      confidentiality: random.pick(['public', 'internal', 'secret']),
    },
    audit: random.pick(['standard', 'full']),
  };
}

function drawGates(random: Random): readonly ApprovalGate[] {
  return Array.from({ length: random.pick([1, 1, 1, 2]) }, () => ({
    approvers: random.pick([[], ['boss'], ['boss', 'peer']]),
    quorum: random.pick([1, 1, 2]),
    isSelfApprovalAllowed: random.chance(0.2),
  }));
}

function decisionOf(
  action: PolicyAction,
  asked: {
    readonly isApproved: boolean;
    readonly script: DecisionScript;
    readonly gates: readonly ApprovalGate[];
  },
): Decision {
  const { isApproved, script, gates } = asked;
  const { roll, ttlMs, obligations } = script;
  const basis = (rule: string): DecisionBasis => ({
    reasons: [{ rule, message: rule }],
    obligations,
    policyDigest: 'fake',
    bundles: [],
  });
  if (roll < (action === 'CallTool' ? 0.12 : 0.03)) return { ...basis('deny'), effect: 'deny' };
  if (action !== 'CallTool' || isApproved || roll > 0.3) {
    return { ...basis('allow'), effect: 'allow' };
  }
  const remedies = roll < 0.14 ? (['step_up'] as const) : (['approval'] as const);
  return { ...basis('hold'), effect: 'hold', remedies, gates, ttlMs };
}

/** An audit log that takes its time and now and then cannot be written. */
export function createFakeAudit(world: HostWorld): AuditLog {
  const { clock, outside, facts, open, count } = world;
  let head: AuditReceipt | undefined;

  async function append(record: AuditRecord): Promise<AuditReceipt> {
    const place = `audit/${record.runId}/${record.kind}/${record.step}`;
    const id = `${place}/${count(place)}`;
    const { delayMs, isLost } = outside.take(id, (random) => ({
      delayMs: random.chance(0.01) ? random.int(500, 15_000) : random.int(0, 6),
      isLost: random.chance(0.008),
    }));
    open.add(id);
    await pause(clock, delayMs, undefined);
    open.delete(id);
    if (isLost) throw new HostError('audit_unavailable', 'the fake audit log is full');
    facts.add({ type: 'audited', record });
    head = { index: (head?.index ?? -1) + 1, hash: 'fake' };
    return head;
  }

  return { append, head: () => head, check: async () => {}, close: async () => {} };
}

/** Keys that hide nothing, but say it in other letters. */
export const fakeKeys: Keys = {
  seal: (text) => ({ keyId: 'fake', data: Buffer.from(text).toString('hex') }),
  unseal: ({ data }) => Buffer.from(data, 'hex').toString(),
  commit: (text, context) => sha256Hex(`${context}/${text}`),
};

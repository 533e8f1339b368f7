import { HostError } from '@modelhost/kernel';
import type {
  AuditLog,
  AuditReceipt,
  AuditRecord,
  Decision,
  DecisionBasis,
  Keys,
  PolicyEngine,
  PolicyRequest,
} from '@modelhost/kernel';
import { callText } from './fake-tools.ts';
import { pause } from './pause.ts';
import type { World } from './world.ts';

/** Policy that allows, denies or holds at random, but always the same for the same question. */
export function createFakePolicy(world: World): PolicyEngine {
  const { clock, outside, facts } = world;
  const count = createCounter();

  async function decide(request: PolicyRequest): Promise<Decision> {
    const { runId, callDigest, approval, nowMs } = request.context;
    const isApproved =
      approval !== undefined && approval.callDigest === callDigest && approval.expiresAtMs >= nowMs;
    const subject = callDigest === '' ? count(`${runId}/${request.action}`) : callDigest;
    const script = outside.take(
      `policy/${runId}/${request.action}/${subject}/${isApproved ? 'approved' : 'first'}`,
      (random) => ({
        delayMs: random.chance(0.7) ? 0 : random.int(0, 5),
        roll: random.next(),
        ttlMs: random.int(10, 2_000),
      }),
    );
    if (script.delayMs > 0) await pause(clock, script.delayMs, undefined);
    const decision = decisionOf(request, isApproved, script);
    if (request.resource.type === 'tool') {
      const call = callText(request.resource.tool.name, request.resource.arguments);
      facts.add({ type: 'decided', runId, call, effect: decision.effect, isApproved });
    }
    return decision;
  }

  return { decide, digest: () => 'fake' };
}

function decisionOf(
  { action }: PolicyRequest,
  isApproved: boolean,
  { roll, ttlMs }: { readonly roll: number; readonly ttlMs: number },
): Decision {
  if (roll < (action === 'CallTool' ? 0.12 : 0.03)) return { ...basis('deny'), effect: 'deny' };
  if (action !== 'CallTool' || isApproved || roll > 0.3)
    return { ...basis('allow'), effect: 'allow' };
  return { ...basis('hold'), effect: 'hold', remedy: 'approval', approvers: [], ttlMs };
}

function basis(rule: string): DecisionBasis {
  return { reasons: [{ rule, message: rule }], policyDigest: 'fake' };
}

/** An audit log that takes its time and now and then cannot be written. */
export function createFakeAudit(world: World): AuditLog {
  const { clock, outside, facts, open } = world;
  const count = createCounter();
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

/** Keys that hide nothing. */
export const fakeKeys: Keys = {
  seal: (text) => ({ keyId: 'fake', data: text }),
  unseal: ({ data }) => data,
  commit: (text, context) => `${context}/${text.length}`,
};

function createCounter(): (name: string) => number {
  const counts = new Map<string, number>();
  return (name) => {
    const next = (counts.get(name) ?? 0) + 1;
    counts.set(name, next);
    return next;
  };
}

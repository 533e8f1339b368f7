import type { Decision, PolicyRequest } from '@modelhost/kernel';
import { noHistory, noStatistics } from '@modelhost/kernel';
import { uidOf } from '../entity-uid.ts';
import type { Rule } from '../rules.ts';

/** A request in which one thing is otherwise. */
export interface TriedChange {
  readonly change: string;
  readonly request: PolicyRequest;
}

const rolesMax = 16;
const hourMs = 3_600_000;

/** Single facts that could be otherwise, as far as the rules look at them. */
export function changesOf(
  request: PolicyRequest,
  decision: Decision,
  rules: readonly Rule[],
): readonly TriedChange[] {
  const reads = new Set(rules.flatMap(({ contextNamed }) => contextNamed));
  return [
    ...approvals(request, decision),
    ...labels(request),
    ...evidence(request),
    ...past(request, reads),
    ...delegation(request),
    ...roles(request, rules),
    ...(reads.has('now') ? times(request) : []),
  ];
}

type Context = PolicyRequest['context'];

function withContext(request: PolicyRequest, change: Partial<Context>): PolicyRequest {
  return { ...request, context: { ...request.context, ...change } };
}

/** Approvals enough for the gates. Those who would give them exist in no tenant. */
function approvals(request: PolicyRequest, decision: Decision): readonly TriedChange[] {
  if (decision.effect !== 'hold' || decision.gates.length === 0) return [];
  const { callDigest, nowMs } = request.context;
  const votes = decision.gates.flatMap(({ approvers, quorum }, gate) =>
    Array.from({ length: quorum }, (_, number) => ({
      subject: `approver ${gate}-${number}`,
      roles: approvers,
    })),
  );
  const people = decision.gates.map(({ approvers, quorum }) => {
    const who = quorum === 1 ? 'a person' : `${quorum} people`;
    return approvers.length === 0 ? who : `${who} with the role ${approvers.join(' or ')}`;
  });
  const approval = { callDigest, votes, expiresAtMs: nowMs + decision.ttlMs };
  return [
    { change: `approved by ${people.join(', and ')}`, request: withContext(request, { approval }) },
  ];
}

function labels(request: PolicyRequest): readonly TriedChange[] {
  const { labels: current } = request.context;
  const change = (words: string, other: Partial<typeof current>): TriedChange => ({
    change: words,
    request: withContext(request, { labels: { ...current, ...other } }),
  });
  return [
    current.integrity === 'trusted'
      ? change('something untrusted had been read', { integrity: 'untrusted', sources: ['other'] })
      : change('nothing untrusted had been read', { integrity: 'trusted', sources: [] }),
    ...(current.confidentiality === 'public'
      ? []
      : [change('nothing confidential had been read', { confidentiality: 'public' })]),
    ...(current.compartments.length === 0
      ? []
      : [change('no content that needs care of its own had been read', { compartments: [] })]),
  ];
}

function evidence(request: PolicyRequest): readonly TriedChange[] {
  const { evidence: current } = request.context;
  const isEndorsed = current?.values.every(
    ({ origin }) => origin !== 'untrusted' && origin !== 'model',
  );
  if (current === undefined || isEndorsed === true) return [];
  const values = current.values.map((value) => ({ ...value, origin: 'prompt' }) as const);
  const change = 'the user had named every value that decides what the call does';
  return [{ change, request: withContext(request, { evidence: { values } }) }];
}

function past(request: PolicyRequest, reads: ReadonlySet<string>): readonly TriedChange[] {
  const { sums } = request.context.history;
  const zero = { run: 0, day: 0 };
  const history = {
    ...noHistory,
    sums: Object.fromEntries(Object.keys(sums).map((name) => [name, zero])),
  };
  return [
    ...(reads.has('history')
      ? [{ change: 'nothing had been called before', request: withContext(request, { history }) }]
      : []),
    ...(reads.has('counters')
      ? [
          {
            change: 'nothing had been spent before',
            request: withContext(request, { spent: noStatistics }),
          },
        ]
      : []),
  ];
}

function delegation(request: PolicyRequest): readonly TriedChange[] {
  if (!request.isDelegated) return [];
  return [
    { change: 'the user did it without an agent', request: { ...request, isDelegated: false } },
  ];
}

/** Each role of the tenant that stands in the head of a rule. */
function roles(request: PolicyRequest, rules: readonly Rule[]): readonly TriedChange[] {
  const { principal } = request;
  const prefix = `${principal.tenant}/`;
  const named = rules.flatMap(({ principal: constraint }) => {
    const within = constraint.op === 'is' ? constraint.in : constraint;
    if (within === undefined || !('entity' in within)) return [];
    const { type, id } = uidOf(within.entity);
    return type === 'ModelHost::Role' && id.startsWith(prefix) ? [id.slice(prefix.length)] : [];
  });
  return [...new Set(named)]
    .sort()
    .slice(0, rolesMax)
    .map((role) => {
      const has = principal.roles.includes(role);
      const others = principal.roles.filter((other) => other !== role);
      return {
        change: `the user ${has ? 'did not have' : 'had'} the role ${role}`,
        request: {
          ...request,
          principal: { ...principal, roles: has ? others : [...others, role] },
        },
      };
    });
}

/** Every hour of the next day, then every day of the next week. */
function times(request: PolicyRequest): readonly TriedChange[] {
  const hours = Array.from({ length: 24 }, (_, index) => index + 1);
  const days = Array.from({ length: 6 }, (_, index) => (index + 2) * 24);
  return [...hours, ...days].map((later) => {
    const nowMs = request.context.nowMs + later * hourMs;
    return {
      change: `it were ${new Date(nowMs).toISOString().slice(0, 16)}Z`,
      request: withContext(request, { nowMs }),
    };
  });
}

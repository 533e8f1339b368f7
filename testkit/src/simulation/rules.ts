import type {
  ApprovalGate,
  Obligations,
  PolicyAction,
  PolicyRequest,
  Remedy,
} from '@modelhost/kernel';

/** A rule in Cedar, and beside it what it says, so that a law can tell what should be decided without asking Cedar. */
export interface SimulatedRule {
  readonly cedar: string;
  readonly applies: (request: PolicyRequest) => boolean;
  readonly says: RuleEffect;
}

/** What a rule does where it applies. */
export type RuleEffect =
  | { readonly type: 'permit' }
  | { readonly type: 'forbid' }
  /** An approval lifts it where it has a gate. */
  | {
      readonly type: 'hold';
      readonly remedy: Remedy;
      readonly gate: ApprovalGate | null;
      readonly ttlMs: number;
    }
  | { readonly type: 'oblige'; readonly demands: Partial<Obligations> };

/** How many calls of one tool, and how many turns, the bounded rules allow a run. */
export const callsOfToolMax = 2;
export const turnsMax = 4;

const outputTokensMax = 60;
const untilApproved = 'unless { context has approval }';

const permits = {
  content: {
    cedar:
      '@id("permit.content") permit (principal, action in ModelHost::Action::"Content", resource);',
    applies: ({ action }) => action === 'AcceptToolResult' || action === 'EmitOutput',
    says: { type: 'permit' },
  },
  model: {
    cedar:
      '@id("permit.model") permit (principal, action == ModelHost::Action::"UseModel", resource);',
    applies: isAction('UseModel'),
    says: { type: 'permit' },
  },
  tools: {
    cedar: `@id("permit.tools") permit (principal, action in ModelHost::Action::"CallTool", resource)
      unless { resource.effect == "reversible" };`,
    applies: (request) => toolOf(request)?.effect !== 'reversible' && isAction('CallTool')(request),
    says: { type: 'permit' },
  },
  /** Both of those who ask have to be allowed: people of one tenant only. */
  move: {
    cedar: `@id("permit.move") permit (principal in ModelHost::Role::"acme/tester",
      action == ModelHost::Action::"desk__move", resource);
      @id("permit.move-agent") permit (principal == ModelHost::Agent::"tester",
      action == ModelHost::Action::"desk__move", resource);`,
    applies: (request) => isCallOf('desk__move')(request) && request.principal.tenant === 'acme',
    says: { type: 'permit' },
  },
} satisfies Record<string, SimulatedRule>;

const forbids = {
  note: {
    cedar: `@id("forbid.note") forbid (principal, action == ModelHost::Action::"desk__note", resource)
      when { context.arguments.value == "2" };`,
    applies: (request) => isCallOf('desk__note')(request) && valueOf(request) === '2',
    says: { type: 'forbid' },
  },
  pay: {
    cedar: `@id("hold.pay") @remedy("approval") @approvers("boss") @ttl_seconds("2")
      forbid (principal, action == ModelHost::Action::"desk__pay", resource) ${untilApproved};`,
    applies: isCallOf('desk__pay'),
    says: hold({ approvers: ['boss'], quorum: 1, isSelfApprovalAllowed: false }),
  },
  payTwice: {
    cedar: `@id("hold.pay-twice") @remedy("approval") @approvers("boss,peer") @quorum("2") @ttl_seconds("2")
      forbid (principal, action == ModelHost::Action::"desk__pay", resource)
      when { context.arguments.value == "3" } ${untilApproved};`,
    applies: (request) => isCallOf('desk__pay')(request) && valueOf(request) === '3',
    says: hold({ approvers: ['boss', 'peer'], quorum: 2, isSelfApprovalAllowed: false }),
  },
  move: {
    cedar: `@id("hold.move") @remedy("approval") @self_approval("allowed") @ttl_seconds("2")
      forbid (principal, action == ModelHost::Action::"desk__move", resource) ${untilApproved};`,
    applies: isCallOf('desk__move'),
    says: hold({ approvers: [], quorum: 1, isSelfApprovalAllowed: true }),
  },
  confidential: {
    cedar: `@id("hold.confidential") @remedy("step_up") @ttl_seconds("2")
      forbid (principal, action == ModelHost::Action::"desk__note", resource)
      when { context.labels.confidentiality >= 2 };`,
    applies: (request) => isCallOf('desk__note')(request) && isConfidential(request),
    says: { type: 'hold', remedy: 'step_up', gate: null, ttlMs: 2_000 },
  },
  calls: {
    cedar: `@id("forbid.calls") forbid (principal, action in ModelHost::Action::"CallTool", resource)
      when { context.history.callsOfTool >= ${callsOfToolMax} };`,
    applies: (request) =>
      isAction('CallTool')(request) && request.context.history.callsOfTool >= callsOfToolMax,
    says: { type: 'forbid' },
  },
  /** It is about what is seen, which nobody decides. */
  seen: {
    cedar: `@id("forbid.list-move") forbid (principal, action == ModelHost::Action::"ListTool",
      resource == ModelHost::Tool::"desk__move");`,
    applies: () => false,
    says: { type: 'forbid' },
  },
  turns: {
    cedar: `@id("forbid.turns") forbid (principal, action == ModelHost::Action::"UseModel", resource)
      when { context.counters.modelCalls >= ${turnsMax} };`,
    applies: (request) =>
      isAction('UseModel')(request) && request.context.spent.modelCalls >= turnsMax,
    says: { type: 'forbid' },
  },
  long: {
    cedar: `@id("forbid.long") forbid (principal, action == ModelHost::Action::"AcceptToolResult", resource)
      when { context.bytes > 60 };`,
    applies: ({ resource }) => resource.type === 'tool-result' && resource.bytes > 60,
    says: { type: 'forbid' },
  },
} satisfies Record<string, SimulatedRule>;

const obligations = {
  hideResults: oblige({
    id: 'hide-results',
    head: '@oblige("redact") @detectors("iban") @style("placeholder")',
    action: 'AcceptToolResult',
    demands: { redact: { detectors: { iban: 'placeholder' }, arguments: [] } },
  }),
  hideOutput: oblige({
    id: 'hide-output',
    head: '@oblige("redact") @detectors("iban") @style("mask")',
    action: 'EmitOutput',
    demands: { redact: { detectors: { iban: 'mask' }, arguments: [] } },
  }),
  hideFromModel: oblige({
    id: 'hide-from-model',
    head: '@oblige("redact") @detectors("iban,phone") @style("mask")',
    action: 'UseModel',
    demands: { redact: { detectors: { iban: 'mask', phone: 'mask' }, arguments: [] } },
  }),
  shorten: oblige({
    id: 'shorten',
    head: `@oblige("limit") @max_output_tokens("${outputTokensMax}")`,
    action: 'UseModel',
    demands: { limits: { maxOutputTokens: outputTokensMax } },
  }),
  hurry: oblige({
    id: 'hurry',
    head: '@oblige("limit") @result_bytes_max("25") @timeout_ms_max("120")',
    action: 'CallTool',
    demands: { limits: { resultBytesMax: 25, timeoutMsMax: 120 } },
  }),
  strip: oblige({
    id: 'strip',
    head: '@oblige("transform") @op("strip_links")',
    action: 'AcceptToolResult',
    demands: { transforms: ['strip_links'] },
  }),
  reveal: {
    cedar: `@id("oblige.reveal") @oblige("reveal") @arguments("value") @detectors("email")
      permit (principal, action == ModelHost::Action::"desk__note", resource);`,
    applies: isCallOf('desk__note'),
    says: { type: 'oblige', demands: { reveal: { value: ['email'] } } },
  },
  label: {
    cedar: `@id("oblige.label") @oblige("label") @label("desk") @confidentiality("confidential")
      permit (principal, action == ModelHost::Action::"AcceptToolResult", resource == ModelHost::Tool::"desk__read");`,
    applies: (request) => request.action === 'AcceptToolResult' && isAbout('desk__read', request),
    says: {
      type: 'oblige',
      demands: {
        labels: {
          integrity: 'trusted',
          sources: [],
          confidentiality: 'confidential',
          compartments: ['desk'],
        },
      },
    },
  },
  record: {
    cedar: `@id("oblige.record") @oblige("audit") @level("full")
      permit (principal, action in ModelHost::Action::"CallTool", resource)
      when { resource.effect == "irreversible" };`,
    applies: (request) =>
      isAction('CallTool')(request) && toolOf(request)?.effect === 'irreversible',
    says: { type: 'oblige', demands: { audit: 'full' } },
  },
  recordOutput: {
    cedar: `@id("oblige.record-output") @oblige("audit") @level("full")
      permit (principal, action == ModelHost::Action::"EmitOutput", resource)
      when { context.labels.untrusted };`,
    applies: (request) =>
      isAction('EmitOutput')(request) && request.context.labels.integrity === 'untrusted',
    says: { type: 'oblige', demands: { audit: 'full' } },
  },
} satisfies Record<string, SimulatedRule>;

const always: readonly SimulatedRule[] = Object.values(permits);

/** Rule sets of the platform, by name. */
export const ruleSets: Readonly<Record<RuleSetName, readonly SimulatedRule[]>> = {
  open: [
    ...always,
    forbids.note,
    obligations.hideResults,
    obligations.hideOutput,
    obligations.reveal,
    obligations.label,
    obligations.record,
  ],
  held: [
    ...always,
    forbids.pay,
    forbids.payTwice,
    forbids.move,
    forbids.confidential,
    obligations.shorten,
    obligations.label,
    obligations.reveal,
    obligations.recordOutput,
  ],
  bounded: [
    ...always,
    forbids.seen,
    forbids.calls,
    forbids.turns,
    forbids.long,
    obligations.hideResults,
    obligations.hideOutput,
    obligations.hideFromModel,
    obligations.hurry,
    obligations.strip,
  ],
};

/** Which rules a process has. */
export type RuleSetName = 'open' | 'held' | 'bounded';

export const ruleSetNames: readonly [RuleSetName, ...RuleSetName[]] = ['open', 'held', 'bounded'];

/** What one tenant adds to the rules of the platform. */
export const tenantRules: Readonly<Record<string, readonly SimulatedRule[]>> = {
  bolt: [
    {
      cedar:
        '@id("bolt.move") permit (principal, action == ModelHost::Action::"desk__move", resource);',
      applies: isCallOf('desk__move'),
      says: { type: 'permit' },
    },
    {
      cedar: `@id("bolt.read") forbid (principal, action == ModelHost::Action::"desk__read", resource)
        when { context.arguments.value == "1" };`,
      applies: (request) => isCallOf('desk__read')(request) && valueOf(request) === '1',
      says: { type: 'forbid' },
    },
  ],
};

/** Whether these rules keep a tool out of sight. */
export function isUnseen(name: RuleSetName, tool: string): boolean {
  return ruleSets[name].includes(forbids.seen) && tool === 'desk__move';
}

/** How long an answer may be under these rules; undefined where they do not say. */
export function outputTokensMaxOf(name: RuleSetName): number | undefined {
  return ruleSets[name].includes(obligations.shorten) ? outputTokensMax : undefined;
}

/** Whether these rules hide, in all that comes of it, an account that a tool names, or that a model does. */
export function hidesAccounts(name: RuleSetName): {
  readonly tools: boolean;
  readonly models: boolean;
} {
  const rules = ruleSets[name];
  return {
    tools: rules.includes(obligations.hideResults),
    models: rules.includes(obligations.hideOutput),
  };
}

function hold(gate: ApprovalGate): RuleEffect {
  return { type: 'hold', remedy: 'approval', gate, ttlMs: 2_000 };
}

function oblige(rule: {
  readonly id: string;
  readonly head: string;
  readonly action: PolicyAction;
  readonly demands: Partial<Obligations>;
}): SimulatedRule {
  const { id, head, action, demands } = rule;
  const operator = action === 'CallTool' ? 'in' : '==';
  return {
    cedar: `@id("oblige.${id}") ${head} permit (principal, action ${operator} ModelHost::Action::"${action}", resource);`,
    applies: isAction(action),
    says: { type: 'oblige', demands },
  };
}

function isAction(name: PolicyAction): (request: PolicyRequest) => boolean {
  return ({ action }) => action === name;
}

function isCallOf(tool: string): (request: PolicyRequest) => boolean {
  return (request) => request.action === 'CallTool' && isAbout(tool, request);
}

function isAbout(tool: string, request: PolicyRequest): boolean {
  return toolOf(request)?.name === tool;
}

function toolOf({
  resource,
}: PolicyRequest): { readonly name: string; readonly effect: string } | undefined {
  return 'tool' in resource ? resource.tool : undefined;
}

function valueOf({ resource }: PolicyRequest): unknown {
  return resource.type === 'tool' ? resource.arguments['value'] : undefined;
}

function isConfidential({ context }: PolicyRequest): boolean {
  return ['confidential', 'secret'].includes(context.labels.confidentiality);
}

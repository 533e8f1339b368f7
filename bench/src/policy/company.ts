/** Rules and requests of a made-up company that grows: each tool has four roles that may call it, and a forbid. */
import type { PolicyRequest, ToolDefinition } from '@modelhost/kernel';
import { noHistory, noStatistics, plainLabels } from '@modelhost/kernel';

const rulesPerTool = 5;
const rolesPerTool = 4;
const tenant = 'acme';

/** A company with so many rules. */
export interface Company {
  readonly rules: number;
  /** Cedar text of each rule by its id. */
  readonly texts: Readonly<Record<string, string>>;
  readonly tools: readonly ToolDefinition[];
}

/**
 * Four of five rules permit a role to call a tool below a limit, within its own tenant; every fifth forbids the tool, if
 * it sends out, to whoever has read what is untrusted.
 */
export function createCompany(rules: number): Company {
  const tools = Array.from({ length: Math.ceil(rules / rulesPerTool) }, (_, index) =>
    createTool(index),
  );
  const texts: Record<string, string> = {};
  for (let index = 0; index < rules; index += 1) {
    const tool = tools[Math.floor(index / rulesPerTool)];
    if (tool !== undefined) texts[`rule-${index}`] = ruleText(index, tool.name);
  }
  return { rules, texts, tools };
}

/** The text of all rules, as it would stand in a file. */
export function textOf({ texts }: Company): string {
  return Object.entries(texts)
    .map(([id, text]) => `@id("${id}")\n${text}\n`)
    .join('\n');
}

function ruleText(index: number, tool: string): string {
  const action = `action == ModelHost::Action::"${tool}"`;
  const role = index % rulesPerTool;
  if (role === rolesPerTool) {
    return `forbid (principal, ${action}, resource) when { context.labels.untrusted && resource.egress };`;
  }
  return `permit (principal in ModelHost::Role::"${tenant}/${roleOf(role)}", ${action}, resource)
when { context.arguments.amount < ${1_000 + index} && principal.tenant == ModelHost::Tenant::"${tenant}" };`;
}

function roleOf(number: number): string {
  return `role-${number}`;
}

function createTool(index: number): ToolDefinition {
  return {
    name: `server-${index % 20}__tool-${index}`,
    description: 'Moves an amount to an account.',
    inputSchema: {
      type: 'object',
      properties: { amount: { type: 'integer' }, account: { type: 'string' } },
      required: ['amount', 'account'],
    },
    effect: 'irreversible',
    integrity: 'untrusted',
    decisionArguments: ['account'],
    server: `server-${index % 20}`,
    serverTool: `tool-${index}`,
    executor: 'host',
  };
}

/** What a request asks for, before it has an amount of its own. */
export type Draft = Omit<PolicyRequest, 'resource'> & { readonly tool: ToolDefinition };

/** Requests over all tools: three of four by a role of the tool, one of five after something untrusted was read. */
export function createDrafts({ tools }: Company, count: number): readonly Draft[] {
  return Array.from({ length: count }, (_, index) => {
    // A step without a common divisor visits all tools.
    const tool = tools[(index * 7_919) % tools.length];
    if (tool === undefined) throw new Error('a company without a tool');
    const roles = index % 4 === 3 ? ['guest'] : [roleOf(index % rolesPerTool), 'employee'];
    return {
      action: 'CallTool',
      principal: { tenant, subject: `user-${index % 97}`, roles },
      agent: 'helper',
      isDelegated: false,
      tool,
      context: {
        runId: `run-${index}`,
        nowMs: 1_790_000_000_000 + index,
        callDigest: `digest-${index}`,
        spent: noStatistics,
        approval: undefined,
        labels: index % 5 === 0 ? { ...plainLabels, integrity: 'untrusted' } : plainLabels,
        evidence: undefined,
        history: noHistory,
      },
    };
  });
}

/** The request with an amount: no two of them are answered from memory as long as the amounts differ. */
export function requestOf({ tool, ...draft }: Draft, amount: number): PolicyRequest {
  const resource = { type: 'tool', tool, arguments: { amount, account: 'DE02' } } as const;
  return { ...draft, resource };
}

/** Whether the company allows it, worked out without Cedar. */
export function isAllowed(
  company: Company,
  { tool, principal, context }: Draft,
  amount: number,
): boolean {
  if (context.labels.integrity === 'untrusted' && hasForbid(company, tool)) return false;
  const first = company.tools.indexOf(tool) * rulesPerTool;
  return Array.from({ length: rolesPerTool }, (_, role) => role).some(
    (role) =>
      first + role < company.rules &&
      principal.roles.includes(roleOf(role)) &&
      amount < 1_000 + first + role,
  );
}

function hasForbid(company: Company, tool: ToolDefinition): boolean {
  return company.tools.indexOf(tool) * rulesPerTool + rolesPerTool < company.rules;
}

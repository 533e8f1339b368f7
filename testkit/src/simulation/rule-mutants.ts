import type { AgentLoopPorts } from '@modelhost/agent-core';
import { noHistory } from '@modelhost/kernel';
import type { Decision, PolicyEngine, PolicyRequest } from '@modelhost/kernel';
import type { Bug } from './mutants.ts';
import { engineUnder } from './rule-engines.ts';
import { ruleSetNames } from './rules.ts';
import type { RuleSetName } from './rules.ts';

/** Planted bugs in what becomes of policy's rules and of what they demand. */
export const ruleBugs: Readonly<Record<string, Bug>> = {
  'old-rules': {
    law: 'I6',
    ports: (ports) =>
      withPolicy(ports, async (request, { bundles }) =>
        bundles.length === 0 ? undefined : engineUnder('open').decide(request),
      ),
  },
  'reload-ignored': { law: 'I6', ports: keepRules },
  'answer-remembered': { law: 'L6', ports: rememberAnswers },
  'hidden-tool-shown': {
    law: 'L6',
    ports: (ports) => ({
      ...ports,
      policy: { ...ports.policy, visible: async (_asker, listed) => listed },
    }),
  },
  'calls-uncounted': {
    law: 'I6',
    ports: (ports) => ({
      ...ports,
      policy: {
        ...ports.policy,
        decide: async (request) =>
          ports.policy.decide({ ...request, context: { ...request.context, history: noHistory } }),
      },
    }),
  },
  'obligations-forgotten': {
    law: 'L6',
    ports: (ports) =>
      withPolicy(ports, async (_request, decision) => ({
        ...decision,
        obligations: { ...decision.obligations, limits: {} },
      })),
  },
  'decision-misreported': {
    law: 'I6',
    ports: (ports) => ({
      ...ports,
      audit: {
        ...ports.audit,
        append: async (record) => {
          const isDecision = record.kind === 'decision';
          const facts = isDecision ? { ...record.facts, policyDigest: 'of others' } : record.facts;
          return ports.audit.append({ ...record, facts });
        },
      },
    }),
  },
  'answer-not-shortened': {
    law: 'I6',
    ports: (ports) => ({
      ...ports,
      providers: new Map(
        [...ports.providers].map(([name, provider]) => [
          name,
          {
            ...provider,
            stream: (request, options) =>
              provider.stream({ ...request, maxOutputTokens: 100 }, options),
          },
        ]),
      ),
    }),
  },
  'call-not-hurried': {
    law: 'I6',
    ports: (ports) => ({
      ...ports,
      tools: {
        ...ports.tools,
        callTool: async (call, options) =>
          ports.tools.callTool({ ...call, timeoutMs: 400 }, options),
      },
    }),
  },
};

/** Puts another decision in the place of the one that was made; undefined for that one. */
function withPolicy(
  ports: AgentLoopPorts,
  change: (request: PolicyRequest, decision: Decision) => Promise<Decision | undefined>,
): AgentLoopPorts {
  const { policy } = ports;
  const decide: PolicyEngine['decide'] = async (request) => {
    const decision = await policy.decide(request);
    return (await change(request, decision)) ?? decision;
  };
  return { ...ports, policy: { ...policy, decide } };
}

/** The rules that decided first decide as long as the process lives. */
function keepRules(ports: AgentLoopPorts): AgentLoopPorts {
  let first: RuleSetName | undefined;
  return withPolicy(ports, async (request, { bundles }) => {
    const name = ruleSetNames.find((one) => bundles[0] === `${one}@1`);
    first ??= name;
    return first === undefined || first === name ? undefined : engineUnder(first).decide(request);
  });
}

/** What was decided of one call of a tool counts for the next one, whatever its arguments. */
function rememberAnswers(ports: AgentLoopPorts): AgentLoopPorts {
  const answers = new Map<string, Decision>();
  return withPolicy(ports, async ({ action, resource, context }, decision) => {
    if (resource.type !== 'tool' || context.approval !== undefined) return undefined;
    const key = `${action} ${resource.tool.name}`;
    answers.set(key, answers.get(key) ?? decision);
    return answers.get(key);
  });
}

import type { AgentLoopPorts } from '@modelhost/agent-core';
import { plainLabels } from '@modelhost/kernel';
import type { Message, ModelRequest, RunContext, RunInput, RunProgram } from '@modelhost/kernel';
import type { Bug } from './mutants.ts';
import { runOf } from './watch.ts';

/** Planted bugs in what becomes of a conversation that is made shorter. */
export const windowBugs: Readonly<Record<string, Bug>> = {
  'window-forgotten': {
    law: 'I17',
    program: withInput((input) => {
      const { agent } = input;
      return {
        ...input,
        agent: { ...agent, route: { ...agent.route, contextTokensMax: 100_000 } },
      };
    }),
  },
  'task-left-out': {
    law: 'I17',
    ports: (ports) =>
      withRequests(ports, (messages) =>
        isCompacted(messages) ? messages.filter((message) => !isTask(message)) : messages,
      ),
  },
  'results-left-out': {
    law: 'I17',
    ports: (ports) =>
      withRequests(ports, (messages) =>
        isCompacted(messages) ? messages.filter(({ role }) => role !== 'tool') : messages,
      ),
  },
  'compaction-misreported': {
    law: 'I17',
    program: (program) => async (context, input) => program(withFewerTokens(context), input),
  },
  'summary-free': {
    law: 'I3',
    ports: (ports) => ({
      ...ports,
      budgets: {
        ...ports.budgets,
        settle: (scope, id, used) =>
          ports.budgets.settle(scope, id, id.includes('/compact') ? { ...used, tokens: 0 } : used),
      },
    }),
  },
  'taint-compacted': { law: 'I10', ports: forgetLabels },
};

/** Whatever was compacted stands for nothing that could not be believed. */
function forgetLabels(ports: AgentLoopPorts): AgentLoopPorts {
  const compacted = new Set<string>();
  const { policy, budgets } = ports;
  return {
    ...ports,
    budgets: {
      ...budgets,
      settle: (scope, id, used) => {
        if (id.includes('/compact')) compacted.add(runOf(scope));
        return budgets.settle(scope, id, used);
      },
    },
    policy: {
      ...policy,
      decide: async (request) => {
        const { context } = request;
        const labels = compacted.has(context.runId) ? plainLabels : context.labels;
        return policy.decide({ ...request, context: { ...context, labels } });
      },
    },
  };
}

function withFewerTokens(context: RunContext): RunContext {
  return {
    ...context,
    emit: (step, body) =>
      context.emit(
        step,
        body.type === 'context-compacted' ? { ...body, tokensAfter: body.tokensAfter - 1 } : body,
      ),
  };
}

function withInput(change: (input: RunInput) => RunInput): (program: RunProgram) => RunProgram {
  return (program) => async (context, input) => program(context, change(input));
}

function withRequests(
  ports: AgentLoopPorts,
  change: (messages: ModelRequest['messages']) => ModelRequest['messages'],
): AgentLoopPorts {
  const providers = [...ports.providers].map(
    ([name, provider]) =>
      [
        name,
        {
          ...provider,
          stream: (request: ModelRequest, options: { readonly signal: AbortSignal }) =>
            provider.stream({ ...request, messages: change(request.messages) }, options),
        },
      ] as const,
  );
  return { ...ports, providers: new Map(providers) };
}

function isCompacted(messages: readonly Message[]): boolean {
  return messages.some((message) => textOf(message).startsWith('[The host has '));
}

function isTask(message: Message): boolean {
  return message.role === 'user' && textOf(message) === 'go';
}

function textOf({ content }: Message): string {
  const [part] = typeof content === 'string' ? [] : content;
  return part?.type === 'text' ? part.text : '';
}

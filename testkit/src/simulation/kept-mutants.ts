import type { AgentLoopPorts } from '@modelhost/agent-core';
import type { Keys, RunContext, StepRedactor } from '@modelhost/kernel';
import { createHostRedactor } from '@modelhost/redaction';
import { fakeKeys } from './fake-governance.ts';
import type { Bug } from './mutants.ts';

/** Planted bugs in what is kept, and in what policy hides beyond what is hidden always. */
export const keptBugs: Readonly<Record<string, Bug>> = {
  'results-hidden-always-only': {
    law: 'I8',
    ports: (ports) =>
      withSteps(ports, (step) => ({ ...step, redact: (text) => step.redact(text, {}) })),
  },
  'answers-hidden-always-only': {
    law: 'I8',
    ports: (ports) => withSteps(ports, (step) => ({ ...step, stream: () => step.stream({}) })),
  },
  'placeholders-unsealed': {
    law: 'I8',
    ports: (ports) => ({ ...ports, redactor: unsealedRedactor }),
  },
  'comments-kept': {
    law: 'I8',
    program: (program) => async (context, input) => program(keepComments(context), input),
  },
  'sealed-as-sent': { law: 'I8', ports: sealSent },
};

const unsealedKeys: Keys = {
  ...fakeKeys,
  seal: (text) => ({ keyId: 'none', data: text }),
  unseal: ({ data }) => data,
};

/** It takes long to make. */
const unsealedRedactor = createHostRedactor({
  always: { secrets: 'token', email: 'placeholder' },
  keys: unsealedKeys,
});

/** What people wrote is kept as it came, beside where it is hidden. */
function keepComments(context: RunContext): RunContext {
  return {
    ...context,
    waitForSignal: async (name, options) => {
      const signal = await context.waitForSignal(name, options);
      if (signal?.type === 'approval')
        await context.step(`${name}/kept`, async () => signal.comment);
      return signal;
    },
  };
}

/** The record of an outcome seals the arguments with the values that were put back. */
function sealSent(ports: AgentLoopPorts): AgentLoopPorts {
  const { tools, audit, keys } = ports;
  let sent = '';
  return {
    ...ports,
    tools: {
      ...tools,
      callTool: async (call, options) => {
        sent = JSON.stringify(call.arguments);
        return tools.callTool(call, options);
      },
    },
    audit: {
      ...audit,
      append: async (record) => {
        if (record.kind !== 'outcome') return audit.append(record);
        const sealedArguments = { ...keys.seal(sent, record.tenant) };
        return audit.append({ ...record, facts: { ...record.facts, sealedArguments } });
      },
    },
  };
}

function withSteps(
  ports: AgentLoopPorts,
  change: (step: StepRedactor) => StepRedactor,
): AgentLoopPorts {
  const { redactor } = ports;
  return {
    ...ports,
    redactor: {
      ...redactor,
      open: (place) => {
        const session = redactor.open(place);
        return { ...session, step: () => change(session.step()) };
      },
    },
  };
}

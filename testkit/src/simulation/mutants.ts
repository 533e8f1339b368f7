import type { AgentLoopPorts } from '@modelhost/agent-core';
import { plainLabels } from '@modelhost/kernel';
import type {
  RedactionStyles,
  RunContext,
  RunEvent,
  RunProgram,
  SessionRedactor,
  StepInfo,
  StepRedactor,
  TextRedaction,
} from '@modelhost/kernel';
import type { Mutant } from './simulate.ts';

/** A planted bug and the law that must find it. */
export interface Bug extends Mutant {
  readonly law: string;
}

/** One bug for each kind of law, planted between the loop and its ports: the checks must find every one of them. */
export const loopBugs: Readonly<Record<string, Bug>> = {
  'audit-after-effect': {
    law: 'I4',
    ports: (ports) => ({
      ...ports,
      audit: {
        ...ports.audit,
        append: async (record) => {
          if (record.kind !== 'intent') return ports.audit.append(record);
          void ports.audit.append(record).catch(() => {});
          return { index: 0, hash: '' };
        },
      },
    }),
  },
  'input-unrecorded': {
    law: 'I12',
    ports: (ports) => ({
      ...ports,
      audit: {
        ...ports.audit,
        append: async (record) =>
          record.kind === 'tool-input' ? { index: 0, hash: '' } : ports.audit.append(record),
      },
    }),
  },
  'input-forged': {
    law: 'I12',
    ports: (ports) => ({
      ...ports,
      tools: {
        ...ports.tools,
        callTool: async ({ resume, ...call }, options) => {
          if (resume === undefined) return ports.tools.callTool(call, options);
          const answers = { ask: { action: 'accept', content: { value: 'yes' } } };
          return ports.tools.callTool({ ...call, resume: { ...resume, answers } }, options);
        },
      },
    }),
  },
  'no-reservation': {
    law: 'I2',
    ports: (ports) => ({
      ...ports,
      budgets: {
        ...ports.budgets,
        reserve: (_scope, _id, amount) => ({ kind: 'reserved', amount }),
      },
    }),
  },
  'charged-twice': {
    law: 'I3',
    ports: (ports) => ({
      ...ports,
      budgets: {
        ...ports.budgets,
        settle: (scope, id, used) => {
          ports.budgets.settle(scope, id, used);
          return ports.budgets.settle(scope, id, used);
        },
      },
    }),
  },
  'effect-after-cancel': {
    law: 'I7',
    program: withSteps((info) => ({ ...info, signal: new AbortController().signal })),
  },
  'executed-twice': {
    law: 'I5',
    ports: (ports) => ({
      ...ports,
      tools: {
        ...ports.tools,
        callTool: async (invocation, options) =>
          ports.tools
            .callTool(invocation, options)
            .catch(async () => ports.tools.callTool(invocation, options)),
      },
    }),
  },
  'deny-ignored': {
    law: 'I6',
    ports: (ports) => withDecisions(ports, 'deny'),
  },
  'hold-ignored': {
    law: 'I6',
    ports: (ports) => withDecisions(ports, 'hold'),
  },
  'event-gap': {
    law: 'L5',
    host: (host) => ({
      ...host,
      follow: (tenant, runId, { afterSequence, signal }) => {
        const skipped = afterSequence > 0 ? afterSequence + 1 : 0;
        return host.follow(tenant, runId, { afterSequence: skipped, signal });
      },
    }),
  },
  'two-endings': {
    law: 'I1',
    host: (host) => ({ ...host, follow: (...args) => repeatLast(host.follow(...args)) }),
  },
  'answer-counts-twice': {
    law: 'I10',
    host: (host) => ({
      ...host,
      signal: async (...args) => {
        await host.signal(...args);
        return { accepted: !args[0].startsWith('not-') };
      },
    }),
  },
  'vote-forged': {
    law: 'I10',
    program: (program) => async (context, input) =>
      program(
        {
          ...context,
          waitForSignal: async (name, options) => {
            const signal = await context.waitForSignal(name, options);
            if (signal?.type !== 'approval' || name.endsWith('/1')) return signal;
            return {
              ...signal,
              approved: true,
              by: `somebody at ${name}`,
              roles: ['boss', 'peer'],
            };
          },
        },
        input,
      ),
  },
  'approval-used-twice': {
    law: 'I10',
    ports: (ports) => ({
      ...ports,
      policy: {
        ...ports.policy,
        decide: async (request) => {
          const decision = await ports.policy.decide(request);
          if (request.context.approval === undefined) return decision;
          return ports.policy.decide(request);
        },
      },
    }),
  },
  'taint-forgotten': {
    law: 'I10',
    ports: (ports) => ({
      ...ports,
      policy: {
        ...ports.policy,
        decide: async (request) => {
          const { context, action } = request;
          const labels = action === 'UseModel' ? plainLabels : context.labels;
          return ports.policy.decide({ ...request, context: { ...context, labels } });
        },
      },
    }),
  },
  'history-believed': {
    law: 'I10',
    program: (program) => async (context, input) => program(context, { ...input, history: [] }),
  },
  'redacted-by-piece': {
    law: 'I8',
    ports: (ports) =>
      withStreams(ports, (step, styles) => ({
        push: (text) => step.redact(text, styles),
        end: () => '',
        abort: () => '',
      })),
  },
  'flushed-on-abort': {
    law: 'I8',
    ports: (ports) =>
      withStreams(ports, (step, styles) => {
        const stream = step.stream(styles);
        return { ...stream, abort: () => stream.end() };
      }),
  },
  'end-forgotten': {
    law: 'I8',
    ports: (ports) =>
      withStreams(ports, (step, styles) => ({ ...step.stream(styles), end: () => '' })),
  },
  'results-not-redacted': {
    law: 'I8',
    ports: (ports) =>
      withSessions(ports, (session) => ({
        ...session,
        step: () => ({ ...session.step(), redact: (text) => text }),
      })),
  },
  'revealed-to-all': {
    law: 'I8',
    ports: (ports) => ({
      ...ports,
      policy: {
        ...ports.policy,
        decide: async (request) => {
          const decision = await ports.policy.decide(request);
          const reveal = { value: ['email'] };
          return { ...decision, obligations: { ...decision.obligations, reveal } };
        },
      },
    }),
  },
  'comments-not-redacted': {
    law: 'I8',
    ports: (ports) => ({ ...ports, redactor: { ...ports.redactor, redact: (text) => text } }),
  },
  'tenant-ignored': {
    law: 'I9',
    host: (host) => ({
      ...host,
      status: async (tenant, runId) => host.status(tenant.replace('not-', ''), runId),
    }),
  },
  'listener-left': {
    law: 'I15',
    program: (program) => async (context, input) => {
      context.signal.addEventListener('abort', () => {});
      return program(context, input);
    },
  },
  'buffer-without-bound': { law: 'I17', bounds: { eventsMax: 1_000_000 } },
  'never-ends': {
    law: 'I18',
    bounds: { stopTimeoutMs: 500_000 },
    program: (program) => async (context, input) => {
      const result = await program(context, input);
      return input.runId === 'run_1' ? new Promise(() => {}) : result;
    },
  },
  'events-not-told': {
    law: 'I20',
    program: (program) => async (context, input) =>
      program(
        {
          ...context,
          step: async (name, body, { events, ...others } = {}) =>
            context.step(
              name,
              body,
              events === undefined ? others : { ...others, events: () => [] },
            ),
        },
        input,
      ),
  },
  'hidden-state': { law: 'I20', program: countRuns() },
  'clock-touched': {
    law: 'poison',
    program: (program) => async (context, input) => {
      context.emit('', { type: 'text-delta', text: String(Date.now()) });
      return program(context, input);
    },
  },
};

function withSteps(change: (info: StepInfo) => StepInfo): (program: RunProgram) => RunProgram {
  return (program) => async (context, input) => {
    const changed: RunContext = {
      ...context,
      step: async (name, body, options) =>
        context.step(name, async (info) => body(change(info)), options),
      atMostOnce: async (name, body, options) =>
        context.atMostOnce(name, async (info) => body(change(info)), options),
    };
    return program(changed, input);
  };
}

function withDecisions(ports: AgentLoopPorts, ignored: 'deny' | 'hold'): AgentLoopPorts {
  return {
    ...ports,
    policy: {
      ...ports.policy,
      decide: async (request) => {
        const decision = await ports.policy.decide(request);
        const { reasons, obligations, policyDigest, bundles } = decision;
        return decision.effect === ignored
          ? { reasons, obligations, policyDigest, bundles, effect: 'allow' }
          : decision;
      },
    },
  };
}

function withSessions(
  ports: AgentLoopPorts,
  change: (session: SessionRedactor) => SessionRedactor,
): AgentLoopPorts {
  const { redactor } = ports;
  return { ...ports, redactor: { ...redactor, open: (place) => change(redactor.open(place)) } };
}

function withStreams(
  ports: AgentLoopPorts,
  stream: (step: StepRedactor, styles: RedactionStyles) => TextRedaction,
): AgentLoopPorts {
  return withSessions(ports, (session) => ({
    ...session,
    step: () => {
      const step = session.step();
      return { ...step, stream: (styles) => stream(step, styles) };
    },
  }));
}

async function* repeatLast(events: AsyncIterable<RunEvent>): AsyncGenerator<RunEvent> {
  let last: RunEvent | undefined;
  for await (const event of events) {
    last = event;
    yield event;
  }
  if (last !== undefined) yield last;
}

/** A program whose events depend on how many runs were before it. */
function countRuns(): (program: RunProgram) => RunProgram {
  let runs = 0;
  return (program) => async (context, input) => {
    runs += 1;
    context.emit('', { type: 'text-delta', text: `run ${runs}` });
    return program(context, input);
  };
}

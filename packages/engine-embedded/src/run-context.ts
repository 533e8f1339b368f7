import type {
  AtMostOnce,
  Clock,
  RunContext,
  RunEventBody,
  StepInfo,
  StepOptions,
} from '@modelhost/kernel';
import { isJsonValue } from './json-value.ts';
import type { Lifetime } from './lifetime.ts';
import type { Mailbox } from './mailbox.ts';
import type { StepEnd, Steps } from './steps.ts';

/** What the program of a run sees: every rule for new work, around the parts that do it. */
export function createRunContext(options: {
  readonly runId: string;
  readonly clock: Clock;
  readonly lifetime: Lifetime;
  readonly steps: Steps;
  readonly mailbox: Mailbox;
  readonly emit: (step: string, body: RunEventBody) => void;
}): RunContext {
  const { runId, clock, lifetime, steps, mailbox, emit } = options;

  function claim(name: string, isCleanup: boolean): void {
    const refusal = lifetime.refusal(isCleanup);
    // oxlint-disable-next-line typescript/only-throw-error -- the port says that a StopReason itself is the rejection.
    if (refusal !== undefined) throw refusal;
    if (!steps.claim(name))
      throw lifetime.fail(`the step name ${name} is used twice or one too many`);
  }

  async function take<T>(
    name: string,
    body: (info: StepInfo) => Promise<T>,
    stepOptions: StepOptions<T> = {},
  ): Promise<StepEnd<T>> {
    claim(name, stepOptions.isCleanup === true);
    const end = await steps.take(name, body, stepOptions);
    if (end.kind === 'done' && !isJsonValue(end.value)) {
      throw lifetime.fail(`the result of the step ${name} is not JSON`);
    }
    return end;
  }

  async function step<T>(
    name: string,
    body: (info: StepInfo) => Promise<T>,
    stepOptions?: StepOptions<T>,
  ): Promise<T> {
    const end = await take(name, body, stepOptions);
    if (end.kind === 'done') return end.value;
    throw end.reason;
  }

  async function atMostOnce<T>(
    name: string,
    body: (info: StepInfo) => Promise<T>,
    stepOptions?: StepOptions<T>,
  ): Promise<AtMostOnce<T>> {
    const end = await take(name, body, stepOptions);
    return end.kind === 'done' ? end : { kind: 'unknown' };
  }

  return {
    runId,
    signal: lifetime.signal,
    // The time has no effect: it may be read after a stop too, for the last events.
    now: async (name) => {
      claim(name, true);
      return clock.now();
    },
    step,
    atMostOnce,
    waitForSignal: async (name, waitOptions) => {
      claim(name, false);
      return mailbox.wait(name, waitOptions);
    },
    emit,
  };
}

import type {
  AtMostOnce,
  HostError,
  RunContext,
  SignalPayload,
  StepInfo,
  StepOptions,
  StopReason,
} from '@modelhost/kernel';
import type { StepEnd } from '../journal/frame.ts';
import { errorOf, thrownOf } from './ask.ts';
import type { Ask, StepAsk, WaitAsk } from './ask.ts';

/** The part of a run's context by which the program asks for things: each under a name of its own. */
export interface Asking {
  readonly context: Pick<
    RunContext,
    'now' | 'step' | 'atMostOnce' | 'waitForSignal' | 'sleepUntil'
  >;
  /** Every name, in the order of asking. */
  readonly used: ReadonlySet<string>;
}

/** `refusal` says why new work is refused, `fail` breaks the run. */
export function createAsking(options: {
  readonly stepNamesMax: number;
  readonly refusal: (isCleanup: boolean) => StopReason | HostError | undefined;
  readonly fail: (message: string) => HostError;
  readonly ask: (ask: Ask) => void;
  readonly readTime: (name: string) => number;
}): Asking {
  const { stepNamesMax, refusal, fail, ask, readTime } = options;
  const names = new Set<string>();

  function claim(name: string, isCleanup: boolean): void {
    const refused = refusal(isCleanup);
    // oxlint-disable-next-line typescript/only-throw-error -- the port says that a StopReason itself is the rejection.
    if (refused !== undefined) throw refused;
    if (names.has(name) || names.size >= stepNamesMax) {
      throw fail(`the step name ${name} is used twice or one too many`);
    }
    names.add(name);
  }

  async function take<T>(
    name: string,
    isOnce: boolean,
    body: (info: StepInfo) => Promise<T>,
    { timeoutMs, isCleanup = false, events, onLost }: StepOptions<T> = {},
  ): Promise<StepEnd> {
    claim(name, isCleanup);
    const { promise, resolve, reject } = Promise.withResolvers<StepEnd>();
    const step: StepAsk = {
      kind: 'step',
      name,
      isOnce,
      isCleanup,
      timeoutMs,
      body,
      // What is told from is a result of this very body, live or from its journal.
      tell: (value) => events?.(value as T) ?? [],
      settle: (end, cause) => settleStep(end, cause, { resolve, reject, onLost }),
    };
    ask(step);
    return promise;
  }

  async function wait(
    name: string,
    until: WaitAsk['until'],
    shown: WaitAsk['shown'],
  ): Promise<unknown> {
    claim(name, false);
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    ask({ kind: 'wait', name, until, shown, settle: resolve, reject });
    return promise;
  }

  return {
    context: {
      // The time has no effect: it may be read after a stop too, for the last events.
      now: async (name) => {
        claim(name, true);
        return readTime(name);
      },
      // What a step is given is a result of its own body, live or from its journal.
      step: async <T>(name: string, body: (info: StepInfo) => Promise<T>, given?: StepOptions<T>) =>
        valueOf(await take(name, false, body, given)) as T,
      atMostOnce: async <T>(
        name: string,
        body: (info: StepInfo) => Promise<T>,
        given?: StepOptions<T>,
      ) => onceOf<T>(await take(name, true, body, given)),
      waitForSignal: async (name, { timeoutMs, ...shown }) =>
        // Only payloads are handed to a wait that takes signals.
        (await wait(name, { timeoutMs }, shown)) as SignalPayload | undefined,
      sleepUntil: async (name, atMs) => {
        await wait(name, { atMs }, undefined);
      },
    },
    used: names,
  };
}

function settleStep(
  end: StepEnd,
  cause: unknown,
  {
    resolve,
    reject,
    onLost,
  }: {
    readonly resolve: (end: StepEnd) => void;
    readonly reject: (reason: unknown) => void;
    readonly onLost: ((attempts: number) => void) | undefined;
  },
): void {
  if ('lost' in end) onLost?.(end.lost);
  switch (end.type) {
    case 'done':
    case 'given-up':
    case 'unknown':
      return resolve(end);
    case 'failed':
      return reject(errorOf(end.error, cause));
    case 'broken':
      return reject(cause);
    case 'refused':
      return reject(thrownOf(end.reason));
  }
}

function valueOf(end: StepEnd): unknown {
  if (end.type === 'done') return end.value;
  // oxlint-disable-next-line typescript/only-throw-error -- as above.
  if (end.type === 'given-up') throw thrownOf(end.reason);
  return undefined;
}

function onceOf<T>(end: StepEnd): AtMostOnce<T> {
  // As above.
  return end.type === 'done' ? { kind: 'done', value: end.value as T } : { kind: 'unknown' };
}

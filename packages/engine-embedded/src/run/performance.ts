import { createHalting } from './halting.ts';
import type {
  HostError,
  RunContext,
  RunEventBody,
  RunInput,
  RunProgram,
  RunResult,
  StopReason,
} from '@modelhost/kernel';
import { createAsking } from './asking.ts';
import type { Ask } from './ask.ts';
import type { Handover } from '../journal/frame.ts';

/** A program at work, from the first thing it asks for to its end. It does nothing on its own: everything is handed to it. */
export interface Performance {
  /** Lets the program go until it waits for something. */
  begin(): void;
  /** Whether the program asks for just this. A stop needs no asking. */
  isAskedFor(handover: Handover): boolean;
  hand(handover: Handover, cause?: unknown): void;
  /** What it asks for, in the order of asking. */
  asks(): Iterable<Ask>;
  find(name: string): Ask | undefined;
  /** Why new work is refused; undefined while it is not. */
  halted(): StopReason | HostError | undefined;
  /** Breaks the run: whatever the program says in the end, it has failed. */
  fail(message: string, cause?: unknown): HostError;
  fault(): HostError | undefined;
  /** Names of all that it asked for, be it a step, a wait or a time, in the order of asking. */
  readonly used: ReadonlySet<string>;
  /** The run is over: whatever the program still tries is refused. */
  close(): void;
}

/** What a performance tells, each at once. */
export interface PerformanceHooks {
  readonly onAsk: (ask: Ask) => void;
  readonly onEvent: (step: string, body: RunEventBody) => void;
  readonly onHalt: (reason: StopReason | HostError) => void;
  readonly onFault: (fault: HostError) => void;
  /** The program gave its result; undefined when it threw. */
  readonly onEnd: (result: RunResult | undefined) => void;
  readonly readTime: (name: string) => number;
}

/** Makes a program ready to begin. */
export function createPerformance(options: {
  readonly program: RunProgram;
  readonly input: RunInput;
  readonly stepNamesMax: number;
  readonly hooks: PerformanceHooks;
}): Performance {
  const { program, input, stepNamesMax, hooks } = options;
  const open = new Map<string, Ask>();
  const halting = createHalting({
    onHalt: (reason) => {
      hooks.onHalt(reason);
      rejectWaits(open, reason);
    },
    onFault: hooks.onFault,
  });
  const fail = (message: string, cause?: unknown): HostError => halting.fail(message, cause);
  const asking = createAsking({
    stepNamesMax,
    fail,
    refusal: (isCleanup) => halting.refusal(isCleanup),
    ask: (ask) => {
      open.set(ask.name, ask);
      hooks.onAsk(ask);
    },
    readTime: hooks.readTime,
  });

  const context: RunContext = {
    ...asking.context,
    runId: input.runId,
    signal: halting.signal,
    emit: (step, body) => {
      if (halting.isClosed()) return;
      if (isOfEngine(body)) fail(`only the engine emits ${body.type}`);
      else hooks.onEvent(step, body);
    },
  };

  function hand(handover: Handover, cause?: unknown): void {
    if (handover.kind === 'stop') return halting.stop(handover.reason);
    if (handover.kind === 'finish') return;
    const ask = open.get(handover.name);
    open.delete(handover.name);
    if (handover.kind === 'step' && ask?.kind === 'step') {
      const { end } = handover;
      ask.settle(end, end.type === 'broken' ? fail(end.message) : cause);
    }
    if (handover.kind !== 'step' && ask?.kind === 'wait') {
      ask.settle(handover.kind === 'signal' ? handover.payload : undefined);
    }
  }

  async function perform(): Promise<RunResult | undefined> {
    try {
      return await program(context, input);
    } catch (thrown) {
      fail('the program of the run threw', thrown);
      return undefined;
    }
  }

  return {
    begin: () => void perform().then(hooks.onEnd),
    isAskedFor: (handover) => isAskedFor(open, handover, halting.halted() !== undefined),
    hand,
    asks: () => open.values(),
    find: (name) => open.get(name),
    halted: () => halting.halted(),
    fail,
    fault: () => halting.fault(),
    used: asking.used,
    close: () => halting.close(),
  };
}

/** Every wait ends with the halt. */
function rejectWaits(open: Map<string, Ask>, reason: StopReason | HostError): void {
  for (const ask of Array.from(open.values())) {
    if (ask.kind !== 'wait') continue;
    open.delete(ask.name);
    ask.reject(reason);
  }
}

function isAskedFor(
  open: ReadonlyMap<string, Ask>,
  handover: Handover,
  isHalted: boolean,
): boolean {
  switch (handover.kind) {
    case 'step':
      return open.get(handover.name)?.kind === 'step';
    case 'signal':
    case 'due':
      // What was on its way to a wait when that was ended is let fall.
      return isHalted || open.get(handover.name)?.kind === 'wait';
    case 'stop':
    case 'finish':
      return true;
  }
}

function isOfEngine({ type }: RunEventBody): boolean {
  return type === 'run-finished' || type === 'step-reset' || type === 'events-dropped';
}

import type {
  Json,
  RedactionCounts,
  RedactionStyles,
  Redactor,
  RunContext,
  RunEventBody,
  SessionRedactor,
  SignalPayload,
  StepInfo,
  StepOptions,
  StepRedactor,
} from '@modelhost/kernel';
import { hideInEvent } from './hiding/hide-in-event.ts';
import { createHideShown } from './hiding/hide-shown.ts';
import { mapTexts } from './hiding/map-texts.ts';

/** What the body of a step gets. Texts from outside go through its redactor before they get into its result. */
export interface StepWork extends StepInfo {
  readonly redactor: StepRedactor;
}

type Body<T> = (work: StepWork) => Promise<T>;

/** The context of a run, as the loop has it: nothing leaves by it that is hidden always. */
export interface GuardedContext extends Omit<RunContext, 'step' | 'atMostOnce'> {
  step<T>(name: string, body: Body<T>, options?: StepOptions<T>): Promise<T>;
  atMostOnce<T>(
    name: string,
    body: Body<T>,
    options?: StepOptions<T>,
  ): Promise<{ readonly kind: 'done'; readonly value: T } | { readonly kind: 'unknown' }>;
  /** A text without what is hidden in events. */
  hide(text: string): string;
  /** Hides this, too, in all events from now on; between steps only. */
  hideMore(styles: RedactionStyles): void;
  /** What of it is not hidden always. */
  hiddenMore(): RedactionStyles;
  /** What was found in all steps that are finished. */
  redactions(): RedactionCounts;
  /** The values behind the placeholders that the run was given or gave out itself, sealed, in one list. Null for none. */
  placeholders(): Json;
}

/** The journaled result of a step. */
interface Kept<T> {
  readonly value: T;
  /** Null for a step in which nothing was found. */
  readonly redaction: { readonly found: RedactionCounts; readonly placeholders: Json } | null;
}

/** What redacts a run. */
export interface Protection {
  readonly redactor: Redactor;
  readonly session: SessionRedactor;
  /** The placeholders that were there before the run began. */
  readonly given: Json;
}

/**
 * Puts redaction around a run's context, once: every event passes it, what people send passes it, and each step keeps which
 * placeholders it gave out, so that a run that is resumed knows them.
 */
export function guardContext(
  context: RunContext,
  { redactor, session, given }: Protection,
): GuardedContext {
  const counts = new Map<string, number>();
  const kept: Json[] = [];
  adopt(given);

  const shown = createHideShown(redactor, session);
  const hide = shown.text;
  const hideEvent = (body: RunEventBody): RunEventBody => hideInEvent(body, shown);

  function adopt(placeholders: Json): void {
    session.adopt(placeholders);
    if (Array.isArray(placeholders)) kept.push(...placeholders);
  }

  async function run<T>(info: StepInfo, body: Body<T>): Promise<Kept<T>> {
    const own = session.step();
    const emit: StepInfo['emit'] = (event) => info.emit(hideEvent(event));
    const value = await body({ ...info, emit, redactor: own });
    const found = own.found();
    const isClean = Object.keys(found).length === 0;
    return { value, redaction: isClean ? null : { found, placeholders: own.state() } };
  }

  function take<T>({ value, redaction }: Kept<T>): T {
    if (redaction === null) return value;
    adopt(redaction.placeholders);
    for (const [name, count] of Object.entries(redaction.found)) {
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
    return value;
  }

  function optionsOf<T>({ events, ...options }: StepOptions<T> = {}): StepOptions<Kept<T>> {
    if (events === undefined) return options;
    return {
      ...options,
      events: ({ value }) =>
        events(value).map(({ timeMs, body }) => ({ timeMs, body: hideEvent(body) })),
    };
  }

  return {
    runId: context.runId,
    signal: context.signal,
    now: async (name) => context.now(name),
    step: async (name, body, options) =>
      take(await context.step(name, async (info) => run(info, body), optionsOf(options))),
    atMostOnce: async (name, body, options) => {
      const once = await context.atMostOnce(
        name,
        async (info) => run(info, body),
        optionsOf(options),
      );
      return once.kind === 'done' ? { kind: 'done', value: take(once.value) } : once;
    },
    waitForSignal: async (name, options) => {
      const payload = await context.waitForSignal(name, options);
      return payload === undefined ? undefined : hideInSignal(payload, hide);
    },
    sleepUntil: async (name, atMs) => context.sleepUntil(name, atMs),
    hide,
    hideMore: (styles) => shown.add(styles),
    hiddenMore: () => shown.added(),
    placeholders: () => (kept.length === 0 ? null : kept),
    emit: (step, body) => context.emit(step, hideEvent(body)),
    redactions: () =>
      Object.fromEntries([...counts].toSorted(([one], [other]) => (one < other ? -1 : 1))),
  };
}

/** What people send. The result of a client's tool is text from outside like any other result, and taken in as such. */
function hideInSignal(payload: SignalPayload, hide: (text: string) => string): SignalPayload {
  switch (payload.type) {
    case 'approval':
      return { ...payload, comment: hide(payload.comment) };
    case 'tool-input':
      return { ...payload, content: mapTexts(payload.content, hide) };
    case 'tool-result':
      return payload;
  }
}

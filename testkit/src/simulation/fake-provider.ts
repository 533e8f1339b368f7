import { HostError } from '@modelhost/kernel';
import type {
  CompletionStats,
  ErrorCode,
  FinishReason,
  LlmProvider,
  ModelEvent,
  ModelRequest,
  TokenUsage,
} from '@modelhost/kernel';
import { drawAccountEvents, tellsAccount } from './accounts.ts';
import { cutText, drawText, tellsMailbox, tellsSecret } from './canaries.ts';
import { allRulesOf, rulesOf } from './in-force.ts';
import type { Outside } from './outside.ts';
import { pause } from './pause.ts';
import type { Random } from './random.ts';
import { outputTokensMaxOf } from './rules.ts';
import { drawScenario, worldStartMs } from './scenario.ts';
import { checkHistory } from './session-requests.ts';
import { drawSummary, refuseLong, weighRequest } from './window.ts';
import { runOf } from './watch.ts';
import { stepOf } from './world.ts';
import type { HostWorld } from './world.ts';

/** What a provider does about one request. */
interface AnswerScript {
  readonly items: readonly { readonly delayMs: number; readonly event: ModelEvent }[];
  readonly ending: 'done' | 'error' | 'cut' | 'hang';
  readonly endDelayMs: number;
  readonly errorCode: ErrorCode;
  readonly errorMessage: string;
  readonly finishReason: FinishReason;
  /** Null when the provider reports none. */
  readonly usage: TokenUsage | null;
  /** It does not notice that nobody listens any more. */
  readonly isDeaf: boolean;
}

/** A model of which anything may come: texts, calls of any kind, errors at any moment, silence, wrong bills. */
export function createFakeProvider(world: HostWorld): LlmProvider {
  const { clock, outside, facts, open, count, reservations, isFenced } = world;

  async function* stream(
    request: ModelRequest,
    { signal }: { readonly signal: AbortSignal },
  ): AsyncGenerator<ModelEvent> {
    // A request whose signal is aborted is never sent.
    signal.throwIfAborted();
    const { runId, step, begun } = stepOf(world, request.idempotencyKey);
    checkReservation(world, runId, request);
    checkHidden(world, runId, request);
    checkLength(world, runId, request);
    checkHistory(world, { runId, step }, request);
    const attempt = count(`model/${runId}/${step}`);
    const id = `model/${runId}/${step}/${attempt}`;
    const script = answerOf(world, { step, id });
    const tokensMax = reservations.get(`${runId}/${step}`) ?? 0;
    facts.add({
      type: 'model-asked',
      runId,
      step,
      attempt,
      begun,
      tokensMax,
      maxOutputTokens: request.maxOutputTokens,
      sent: weighRequest(world, { runId, step }, request),
      isFenced: isFenced(),
    });
    const wakeOn = script.isDeaf ? undefined : signal;
    open.add(id);
    try {
      if (isStorm(outside, clock.now())) {
        throw new HostError('provider_rate_limited', 'the fake provider is asked too often');
      }
      refuseLong(world, id);
      for (const { delayMs, event } of script.items) {
        await pause(clock, delayMs, wakeOn);
        yield event;
      }
      await pause(clock, script.endDelayMs, wakeOn);
      switch (script.ending) {
        case 'done':
          facts.add({ type: 'said', runId, step, attempt, ...textsOf(script) });
          if (script.usage !== null) {
            facts.add({ type: 'reported', runId, step, attempt, usage: script.usage });
          }
          yield { type: 'done', stats: statsOf(script) };
          return;
        case 'error':
          throw new HostError(script.errorCode, script.errorMessage);
        case 'cut':
          return;
        case 'hang':
          await pause(clock, 100_000, signal);
      }
    } finally {
      open.delete(id);
      facts.add({ type: 'model-ended', runId, step, attempt });
    }
  }

  return { stream, check: async () => {}, close: async () => {} };
}

/** What the provider does about a request; a summary, if it says one, is all that it says. */
function answerOf(
  world: HostWorld,
  asked: { readonly step: string; readonly id: string },
): AnswerScript {
  const script = world.outside.take(asked.id, drawAnswer);
  const summary = drawSummary(world, asked);
  if (summary === null) {
    const more = drawAccountEvents(world, asked).map((event) => ({ delayMs: 0, event }));
    return { ...script, items: [...more, ...script.items] };
  }
  const items = summary.map((event) => ({ delayMs: 1, event }));
  return { ...script, items, ending: 'done', finishReason: 'stop' };
}

/** Whether everybody is refused, for a while. */
function isStorm(outside: Outside, nowMs: number): boolean {
  const { storm } = outside.take('scenario', drawScenario);
  const sinceMs = nowMs - worldStartMs;
  return storm !== null && sinceMs >= storm.fromMs && sinceMs < storm.toMs;
}

/** What the model may use must be set aside before it is asked. */
function checkReservation(world: HostWorld, runId: string, request: ModelRequest): void {
  const ofRun = Array.from(world.budgetScopes).filter((scope) => runOf(scope) === runId);
  const held = Math.max(0, ...ofRun.map((scope) => world.ledger.state(scope).held.tokens));
  if (held < request.maxOutputTokens) {
    world.facts.violate('I2', `${request.maxOutputTokens} tokens were asked for, ${held} held`);
  }
}

/** I6: an answer is no longer than policy lets it be. It is decided and asked for in one process, perhaps before a reload. */
function checkLength(world: HostWorld, runId: string, { maxOutputTokens }: ModelRequest): void {
  const { governance, decidedUnder } = world;
  const all = allRulesOf(governance);
  const now = decidedUnder.get(runId) ?? rulesOf(world);
  if (all === null || now === undefined) return;
  const names = governance.reload === null ? [now] : all;
  const isShort = names.some((name) => maxOutputTokens <= (outputTokensMaxOf(name) ?? Infinity));
  if (!isShort) world.facts.violate('I6', `${runId}: ${maxOutputTokens} tokens were asked for`);
}

/** I8: no provider gets to see what is hidden always, or by policy. */
function checkHidden(
  { facts, governance }: HostWorld,
  runId: string,
  { messages }: ModelRequest,
): void {
  const sent = JSON.stringify(messages);
  if (tellsSecret(sent) || tellsMailbox(sent) || tellsAccount(governance, sent)) {
    facts.violate('I8', `${runId}: a provider is told`);
  }
}

/** What the whole answer says. */
function textsOf({ items, finishReason }: AnswerScript): {
  readonly text: string;
  readonly reasoning: string;
  readonly finishReason: FinishReason;
} {
  const textOf = (type: 'text-delta' | 'reasoning-delta'): string =>
    items.map(({ event }) => (event.type === type ? event.text : '')).join('');
  return { text: textOf('text-delta'), reasoning: textOf('reasoning-delta'), finishReason };
}

function statsOf({ finishReason, usage }: AnswerScript): CompletionStats {
  return { model: 'fake-1', finishReason, usage: usage ?? undefined, responseId: undefined };
}

function drawAnswer(random: Random): AnswerScript {
  const calls = random.chance(0.7) ? random.int(1, 4) : 0;
  const texts = Array.from({ length: random.int(0, 4) }, () => drawDeltas(random)).flat();
  const items = [
    ...texts.map((event) => ({ delayMs: random.int(0, 20), event })),
    ...Array.from({ length: calls }, (_, index) => ({
      delayMs: random.int(0, 10),
      event: drawCall(random, index),
    })),
  ];
  return {
    items: random.chance(0.05) ? [] : items,
    ending: drawEnding(random),
    endDelayMs: random.chance(0.02) ? 30_000 : random.int(0, 20),
    errorMessage: drawText(random, 'the fake provider failed'),
    errorCode: random.pick(['provider_unavailable', 'provider_rate_limited', 'provider_timeout']),
    finishReason: calls > 0 ? 'tool-calls' : random.pick(['stop', 'stop', 'length', 'refusal']),
    usage: drawUsage(random),
    isDeaf: random.chance(0.02),
  };
}

function drawEnding(random: Random): AnswerScript['ending'] {
  const roll = random.next();
  if (roll < 0.93) return 'done';
  if (roll < 0.96) return 'error';
  return roll < 0.98 ? 'cut' : 'hang';
}

function drawDeltas(random: Random): readonly ModelEvent[] {
  const words = random.pick(['word ', 'zwölf ', '{"a":1}', '日本 ']).repeat(random.int(1, 8));
  const type = random.chance(0.2) ? 'reasoning-delta' : 'text-delta';
  return cutText(random, type, drawText(random, words));
}

function drawCall(random: Random, index: number): ModelEvent {
  const plain = {
    name: random.pick([
      'desk__read',
      'desk__note',
      'desk__move',
      'desk__pay',
      'desk__pay',
      'desk__nothing',
      'ask_user',
    ]),
    arguments: random.chance(0.8)
      ? JSON.stringify({ value: drawText(random, String(random.int(1, 3))) })
      : random.pick(['{"value":', '{"value":3}', '[]', '', 'null', '{}']),
  };
  const call = random.chance(0.25) ? drawSearch(random, plain) : plain;
  // Providers repeat their ids, within an answer and between answers.
  const id = random.chance(0.3) ? 'call_0' : `call_${index}`;
  return { type: 'tool-call', call: { id, ...call } };
}

type Call = Omit<Extract<ModelEvent, { type: 'tool-call' }>['call'], 'id'>;

/** A call by way of the catalogue, for an agent that searches its tools; any other does not have these three. */
function drawSearch(random: Random, { name, arguments: inner }: Call): Call {
  return random.pick([
    { name: 'search_tools', arguments: '{"query":"pay"}' },
    { name: 'describe_tool', arguments: JSON.stringify({ name }) },
    { name: 'call_tool', arguments: JSON.stringify({ name, arguments: inner }) },
    { name: 'call_tool', arguments: `{"name":"${name}","arguments":{"value":"4"}}` },
    { name: 'call_tool', arguments: '{"name":"call_tool"}' },
  ]);
}

function drawUsage(random: Random): TokenUsage | null {
  if (random.chance(0.1)) return null;
  // Now and then a provider bills far more than it was allowed to use.
  const outputTokens = random.chance(0.04) ? random.int(1_000, 30_000) : random.int(0, 120);
  return {
    inputTokens: random.int(0, 200),
    outputTokens,
    cachedInputTokens: 0,
    reasoningTokens: 0,
  };
}

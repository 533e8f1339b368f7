import { HostError } from '@modelhost/kernel';
import type { AgentSpec, Message, ModelEvent, ModelRequest, RunEvent } from '@modelhost/kernel';
import { cutText, drawText } from './canaries.ts';
import type { Fact } from './facts.ts';
import { allRulesOf } from './in-force.ts';
import type { Random } from './random.ts';
import type { HostWorld, World } from './world.ts';

/** A model that reads little, so that long conversations are made shorter. */
export interface WindowPlan {
  readonly contextTokensMax: number;
  readonly compactAtPercent: number;
  /** Lengths of what the user said before. */
  readonly saidBefore: readonly number[];
}

/** In which step a run asks for a summary, and in which for anything. */
const summaryStep = /^turn-\d+\/compact(?:-again)?$/;
const turnStep = /^turn-\d+\/(?:compact|model)(?:-again)?$/;

export function drawWindow(random: Random): WindowPlan {
  return {
    contextTokensMax: random.int(800, 1_400),
    compactAtPercent: random.pick([50, 60, 60, 80]),
    saidBefore: Array.from({ length: random.int(0, 5) }, () => random.int(1, 60)),
  };
}

/** The agent with that model. */
export function narrow(agent: AgentSpec, window: WindowPlan | null): AgentSpec {
  if (window === null) return agent;
  const { contextTokensMax, compactAtPercent } = window;
  return { ...agent, route: { ...agent.route, contextTokensMax }, compactAtPercent };
}

/** What the user said before, which makes the conversation long from its beginning. */
export function historyOf(window: WindowPlan | null): readonly Message[] {
  return (window?.saidBefore ?? []).map((length) => ({
    role: 'user',
    content: [{ type: 'text', text: 'long ago '.repeat(length) }],
  }));
}

/** What a tool says beside its result, so that conversations grow long; nothing where they need not. */
export function drawPadding({ governance, outside }: World, id: string): string {
  if (governance.window === null) return '';
  return outside.take(`${id}/padding`, (random) => ' long'.repeat(random.int(0, 120)));
}

/** What a provider says in place of what it would have said: a summary, mostly, where one is asked for. */
export function drawSummary(
  { outside }: World,
  { step, id }: { readonly step: string; readonly id: string },
): readonly ModelEvent[] | null {
  if (!summaryStep.test(step)) return null;
  return outside.take(`${id}/summary`, (random) =>
    random.chance(0.25)
      ? null
      : cutText(random, 'text-delta', drawText(random, 'so far '.repeat(random.int(1, 12)))),
  );
}

/** Now and then a provider counts otherwise than the host estimates. */
export function refuseLong({ governance, outside }: World, id: string): void {
  if (governance.window === null) return;
  if (!outside.take(`${id}/refused`, (random) => random.chance(0.05))) return;
  throw new HostError('provider_rejected', 'the fake provider finds it too long', {
    facts: { reason: 'context_length' },
  });
}

/** What a request weighs. */
export interface Sent {
  readonly messages: number;
  readonly tokens: number;
}

/**
 * I17: what a model is sent fits its window with the answer that is asked for, and is whole: the task is in it, and each call
 * with its answer. Gives what it weighs; null where nobody looks.
 */
export function weighRequest(
  { governance, facts, tasks }: HostWorld,
  { runId, step }: { readonly runId: string; readonly step: string },
  { messages, tools, maxOutputTokens }: ModelRequest,
): Sent | null {
  if (governance.window === null || !turnStep.test(step)) return null;
  const tokens = messages.reduce((sum, message) => sum + tokensOf(message), 0);
  const toolTokens = tools.reduce(
    (sum, { name, description, inputSchema }) =>
      sum + perMessage + tokensOfText(name + description + JSON.stringify(inputSchema)),
    0,
  );
  const all = tokens + toolTokens + maxOutputTokens;
  if (all > governance.window.contextTokensMax) {
    facts.violate('I17', `${runId}: ${step} is sent ${all} tokens, its answer included`);
  }
  if (!isWhole(messages, tasks.get(runId), summaryStep.test(step)))
    facts.violate('I17', `${runId}: ${step} is not sent whole`);
  return { messages: messages.length, tokens };
}

/** As the host estimates, written down once more: it is not believed. */
const bytesPerToken = 3;
const perMessage = 6;

function tokensOfText(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

function tokensOf(message: Message): number {
  switch (message.role) {
    case 'system':
    case 'tool':
      return perMessage + tokensOfText(message.content);
    case 'user':
      return message.content.reduce(
        (sum, part) => sum + (part.type === 'text' ? tokensOfText(part.text) : 0),
        perMessage,
      );
    case 'assistant':
      return message.toolCalls.reduce(
        (sum, call) => sum + perMessage + tokensOfText(call.name + call.arguments),
        perMessage + tokensOfText(message.content),
      );
  }
}

/** What is before the task is summarized without it. */
function isWhole(
  messages: readonly Message[],
  task: string | undefined,
  isSummary: boolean,
): boolean {
  let tasks = 0;
  let open: readonly string[] = [];
  for (const message of messages) {
    if (message.role === 'tool') {
      if (open[0] !== message.toolCallId) return false;
      open = open.slice(1);
      continue;
    }
    if (open.length > 0) return false;
    if (message.role === 'assistant') open = message.toolCalls.map(({ id }) => id);
    if (isTask(message, task)) tasks += 1;
  }
  return open.length === 0 && (tasks === 1 || (isSummary && tasks === 0));
}

/** Whether it is the task, in these words. */
export function isTask(message: Message, task: string | undefined): boolean {
  return (
    message.role === 'user' &&
    message.content.some((part) => part.type === 'text' && part.text === task)
  );
}

/** I17: what the events tell of a conversation that was made shorter is what the model was sent next. */
export function checkCompactions(
  { facts, governance, conversations }: World,
  runId: string,
  seen: { readonly events: readonly RunEvent[]; readonly facts: readonly Fact[] },
): void {
  for (const { step, body } of seen.events) {
    if (body.type !== 'context-compacted') continue;
    const { method, messagesAfter, tokensBefore, tokensAfter } = body;
    if (tokensAfter >= tokensBefore) facts.violate('I17', `${runId}: ${step} made it no shorter`);
    const isSaid = seen.facts.some((fact) => fact.type === 'said' && fact.step === step);
    // An earlier run of the session may have left one.
    const isKnown = conversations.givenTo(runId)?.hasSummary === true;
    if (method === 'summary' && !isSaid && !isKnown) {
      facts.violate('I17', `${runId}: ${step} has a summary that nobody wrote`);
    }
    const next = step.replace('compact', 'model');
    const asked = seen.facts.find((fact) => fact.type === 'model-asked' && fact.step === next);
    if (asked?.type !== 'model-asked' || asked.sent === null) continue;
    // What policy hides from the model makes it shorter still.
    const isHidden = allRulesOf(governance)?.includes('bounded') === true;
    const isSame = isHidden ? asked.sent.tokens <= tokensAfter : asked.sent.tokens === tokensAfter;
    if (asked.sent.messages !== messagesAfter || !isSame) {
      const { messages, tokens } = asked.sent;
      facts.violate(
        'I17',
        `${runId}: ${next} is sent ${messages} messages of ${tokens} tokens, not ${messagesAfter} of ${tokensAfter}`,
      );
    }
  }
}

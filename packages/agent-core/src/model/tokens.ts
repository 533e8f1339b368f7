import type {
  BudgetKind,
  BudgetState,
  ContentPart,
  Message,
  ModelRoute,
  TokenUsage,
  ToolDefinition,
} from '@modelhost/kernel';

/** Few tokenizers need more than a token for three bytes of ordinary text, so the estimate errs towards reserving more. */
const bytesPerToken = 3;
/** No tokenizer packs more than this into a token on average: more bytes than this allows is a runaway answer. */
const bytesPerTokenMax = 16;
const tokensPerMessage = 6;
/** What an image or a file costs where the provider has not counted it yet. */
const tokensPerAttachment = 2_000;

/** Estimated tokens of a text; never 0 for a text that is not empty. */
export function estimateTextTokens(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / bytesPerToken);
}

/** Estimated tokens of a message in the input of a model call. */
export function estimateMessageTokens(message: Message): number {
  switch (message.role) {
    case 'system':
    case 'tool':
      return tokensPerMessage + estimateTextTokens(message.content);
    case 'user':
      return message.content.reduce(
        (sum, part) => sum + estimatePartTokens(part),
        tokensPerMessage,
      );
    case 'assistant':
      return message.toolCalls.reduce(
        (sum, call) => sum + tokensPerMessage + estimateTextTokens(call.name + call.arguments),
        tokensPerMessage + estimateTextTokens(message.content),
      );
  }
}

/** Estimated tokens of several. */
export function weighMessages(messages: readonly Message[]): number {
  return messages.reduce((sum, message) => sum + estimateMessageTokens(message), 0);
}

/** Estimated tokens of the tool definitions that go with every model call. */
export function estimateToolsTokens(tools: readonly ToolDefinition[]): number {
  return tools.reduce(
    (sum, tool) =>
      sum +
      tokensPerMessage +
      estimateTextTokens(tool.name + tool.description + JSON.stringify(tool.inputSchema)),
    0,
  );
}

/** The most bytes that an answer of so many tokens may have; past it the host stops the stream. */
export function answerBytesMax(outputTokens: number): number {
  return outputTokens * bytesPerTokenMax;
}

/** Cost of a model call in millionths of a US dollar, rounded up. */
export function costOf(
  route: ModelRoute,
  usage: Pick<TokenUsage, 'inputTokens' | 'outputTokens'>,
): number {
  return Math.ceil(
    usage.inputTokens * route.inputMicroUsdPerToken +
      usage.outputTokens * route.outputMicroUsdPerToken,
  );
}

/** How long the next answer may be, and what sets that bound. */
export type Fit =
  | {
      readonly kind: 'fits';
      readonly maxOutputTokens: number;
      /** The budget that makes the answer shorter than the model could give it; undefined when none does. */
      readonly limitedBy: BudgetKind | undefined;
    }
  | { readonly kind: 'exceeded'; readonly budget: BudgetKind }
  | { readonly kind: 'too-long' };

/** Fits the answer to what is left of the budget, to the model's window and to what was asked for. */
export function fitOutput(options: {
  readonly state: BudgetState;
  readonly route: ModelRoute;
  readonly inputTokens: number;
  readonly maxOutputTokens: number | undefined;
}): Fit {
  const { state, route, inputTokens } = options;
  const { limits, spent, held } = state;
  const tokensLeft = limits.tokensMax - spent.tokens - held.tokens - inputTokens;
  if (tokensLeft < 1) return { kind: 'exceeded', budget: 'tokens' };
  const costLeft = limits.costMicroUsdMax - spent.costMicroUsd - held.costMicroUsd;
  const affordable = affordableTokens(route, inputTokens, costLeft);
  if (affordable < 1) return { kind: 'exceeded', budget: 'cost' };
  const windowLeft = route.contextTokensMax - inputTokens;
  if (windowLeft < 1) return { kind: 'too-long' };

  const wanted = Math.min(
    options.maxOutputTokens ?? route.outputTokensMax,
    route.outputTokensMax,
    windowLeft,
  );
  const maxOutputTokens = Math.min(wanted, tokensLeft, affordable);
  if (maxOutputTokens === wanted) return { kind: 'fits', maxOutputTokens, limitedBy: undefined };
  return {
    kind: 'fits',
    maxOutputTokens,
    limitedBy: maxOutputTokens === tokensLeft ? 'tokens' : 'cost',
  };
}

function affordableTokens(route: ModelRoute, inputTokens: number, costLeft: number): number {
  const left = costLeft - inputTokens * route.inputMicroUsdPerToken;
  if (route.outputMicroUsdPerToken === 0) return left >= 0 ? Number.MAX_SAFE_INTEGER : 0;
  return Math.floor(left / route.outputMicroUsdPerToken);
}

function estimatePartTokens(part: ContentPart): number {
  switch (part.type) {
    case 'text':
      return estimateTextTokens(part.text);
    case 'image':
    case 'file':
      return tokensPerAttachment;
  }
}

import type { ErrorData } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import type { Confidentiality, DataLabels } from './labels.ts';

/** Who asks: authenticated by the host, never taken from a request field. */
export interface Principal {
  readonly tenant: string;
  readonly subject: string;
  readonly roles: readonly string[];
}

/** A piece of a message. Bytes travel as base64, so that a part can be journaled as JSON. */
export type ContentPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly mediaType: string; readonly source: ContentSource }
  | {
      readonly type: 'file';
      readonly mediaType: string;
      readonly name: string;
      readonly uri: string;
    };

/** Where the bytes of an image are. */
export type ContentSource = { readonly base64: string } | { readonly uri: string };

/** A call that the model asks for. `arguments` is the JSON text exactly as the model wrote it; it may be invalid. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** One item of a conversation. */
export type Message =
  | { readonly role: 'system'; readonly content: string }
  | { readonly role: 'user'; readonly content: readonly ContentPart[] }
  | {
      readonly role: 'assistant';
      readonly content: string;
      readonly toolCalls: readonly ToolCall[];
    }
  | {
      readonly role: 'tool';
      readonly toolCallId: string;
      readonly toolName: string;
      readonly content: string;
      readonly isError: boolean;
    };

/**
 * What a call of the tool may change, as the operator declares it (never taken from the server's own annotations):
 * nothing; the same once or twice; something that can be undone; something that cannot.
 */
export type ToolEffect = 'none' | 'idempotent' | 'reversible' | 'irreversible';

/** A tool as the model and policy see it. */
export interface ToolDefinition {
  /** Name for the model: `alias__tool`, at most 64 of `[A-Za-z0-9_-]`; a client tool keeps its own name. */
  readonly name: string;
  readonly description: string;
  /** JSON Schema 2020-12 of the arguments; always of type object. */
  readonly inputSchema: JsonObject;
  readonly effect: ToolEffect;
  /** Whether what it answers may be believed, as the operator declares it. */
  readonly integrity: 'trusted' | 'untrusted';
  /** Arguments that decide what the call does (a recipient, a path), as the operator declares them. */
  readonly decisionArguments: readonly string[];
  /** Whether its arguments may leave the house, as the operator declares it. Absent: they may. */
  readonly egress?: boolean;
  /** How confidential its answers are, as the operator declares it. Absent: `internal`. */
  readonly confidentiality?: Confidentiality;
  /** The most confidential that its arguments may be, as the operator declares it. Absent: `internal`. */
  readonly clearance?: Confidentiality;
  /** Arguments, whole numbers, of which policy sees the sums over calls. Absent: none. */
  readonly summedArguments?: readonly string[];
  /** By the argument that it may fill, of tools of the same server: a field of its answers, as the operator declares it. Absent: none. */
  readonly references?: Readonly<Record<string, AnswerReference>>;
  /** Alias of the tool server; `client` for tools that the caller runs itself. */
  readonly server: string;
  /** Name of the tool at its server. */
  readonly serverTool: string;
  readonly executor: 'host' | 'client';
}

/** A field of the records that a tool answers with, which only its server writes: an id, or an amount that it booked. */
export interface AnswerReference {
  /** `*` for the items of a plain list. */
  readonly field: string;
  /** The field that people call the thing by: only that of the one thing that the user named counts. Absent: each counts as trusted. */
  readonly namedBy?: string;
}

/** Sampling options; what is undefined is left to the provider. */
export interface Sampling {
  /** 0 to 2. */
  readonly temperature?: number;
  /** Above 0, at most 1. */
  readonly topP?: number;
  /** Tokens in one model answer, at least 1. */
  readonly maxOutputTokens?: number;
  readonly stopSequences?: readonly string[];
  readonly seed?: number;
}

/** Which tools the model may or must use in its next answer. */
export type ToolChoice =
  | { readonly type: 'auto' }
  | { readonly type: 'none' }
  | { readonly type: 'required' }
  | { readonly type: 'tool'; readonly name: string };

/** Hard limits of one run. All are whole numbers; costs in millionths of a US dollar. */
export interface BudgetLimits {
  /** Input and output tokens of all model calls together. */
  readonly tokensMax: number;
  readonly costMicroUsdMax: number;
  /** Model calls and tool calls together. */
  readonly stepsMax: number;
  readonly toolCallsMax: number;
  /** Wall time of the run, waiting for people included. */
  readonly durationMsMax: number;
}

/** Which limit ended a run. */
export type BudgetKind = 'tokens' | 'cost' | 'steps' | 'tool_calls';

/** A model behind a provider, with the numbers that budgets need. */
export interface ModelRoute {
  /** Name in the configuration, as `ListModels` shows it. */
  readonly id: string;
  /** Name of the provider in the configuration. */
  readonly provider: string;
  /** Name of the model at its provider. */
  readonly model: string;
  /** Tokens of input and output together that the model can hold. */
  readonly contextTokensMax: number;
  readonly outputTokensMax: number;
  /** Price of a token in millionths of a US dollar (equals US dollars per million tokens); 0 for a free model. */
  readonly inputMicroUsdPerToken: number;
  readonly outputMicroUsdPerToken: number;
}

/** A versioned agent, as configured. */
export interface AgentSpec {
  readonly id: string;
  readonly version: string;
  readonly description: string;
  readonly instructions: string;
  readonly route: ModelRoute;
  /** Names of tools, or `alias__*` for all tools of a server. */
  readonly tools: readonly string[];
  readonly budget: BudgetLimits;
  readonly sampling: Sampling;
  /** Calls of one turn that run at the same time. */
  readonly toolCallsInFlightMax: number;
  readonly toolCallTimeoutMs: number;
  readonly modelCallTimeoutMs: number;
  /** How long an approval, a client's tool result or a person's input for a tool is waited for. */
  readonly approvalTimeoutMs: number;
  /** Aliases of the tool servers that may ask the agent's model for an answer in the middle of a call. */
  readonly samplingServers: readonly string[];
  /** Whether the model searches for tools instead of seeing them all; `auto`: when they fill too much of its window. */
  readonly toolSearch: 'auto' | 'always' | 'never';
  /** How much of the model's window, in percent, a request may fill before the older part is summarized. Absent: it never is. */
  readonly compactAtPercent?: number;
}

/** What the steps of a run were bound by, up to one that is the first under other terms. */
export type EarlierTerms = Pick<AgentSpec, 'budget' | 'route'> & { readonly untilStep: string };

/** What a run knows of the session that it goes on with: its turns are the history, and have the labels that they had. */
export interface RunSession {
  readonly sessionId: string;
  /** Session at the root of its branches, or itself: all of them share what placeholders stand for. */
  readonly rootId: string;
  readonly labels: DataLabels;
  /** Number of the turn that the run adds. Absent for a fork, which adds none. */
  readonly turn?: number;
  /** What can stand in the place of the first messages of the history for models that do not hold all of it. */
  readonly summary?: { readonly text: string; readonly messages: number };
}

/** Everything a run starts from. It is journaled whole, so that a replay needs no configuration. */
export interface RunInput {
  readonly runId: string;
  readonly principal: Principal;
  readonly agent: AgentSpec;
  readonly input: readonly ContentPart[];
  readonly history: readonly Message[];
  readonly sampling: Sampling;
  readonly toolChoice: ToolChoice;
  /** JSON Schema 2020-12 that the final answer must fit as JSON. */
  readonly answerSchema: JsonObject | undefined;
  readonly clientTools: readonly ToolDefinition[];
  /** Already the lower of the agent's and the request's limits. */
  readonly budget: BudgetLimits;
  readonly metadata: Readonly<Record<string, string>>;
  /** What policy wants its data to be labelled when it is taken in. Absent: nothing. It is no part of what makes two inputs the same. */
  readonly labels?: DataLabels;
  /** What stands behind the placeholders in input and history (`StepRedactor.state`). Absent: none. Like `labels`, no part of sameness. */
  readonly placeholders?: Json;
  /** Of sameness only its id is a part: another try of the same request finds more turns. */
  readonly session?: RunSession;
  /** The run at the root of its forks: what its journal names after that keeps its name. Absent: itself. */
  readonly rootRunId?: string;
  /** What the steps were taken under that a fork has from other runs, in their order. Absent: what the run itself goes on under. */
  readonly earlier?: readonly EarlierTerms[];
  /** Signed bundle that decides for this run in the place of the one of its scope that is in force, as the text of an envelope. Absent: none. */
  readonly bundle?: string;
  /** Keyed digest of the request as it was sent, before anything of it was hidden. Where it is there, sameness is its sameness. */
  readonly requestDigest?: string;
}

/** Tokens of one model call, as the provider counts them. */
export interface TokenUsage {
  /** Whole input, cached tokens included. */
  readonly inputTokens: number;
  /** Whole output, reasoning included. */
  readonly outputTokens: number;
  /** Part of the input that was read from a cache. */
  readonly cachedInputTokens: number;
  /** Part of the output that is reasoning. */
  readonly reasoningTokens: number;
}

/** What a run has used that has done nothing yet. */
export const noStatistics = {
  modelCalls: 0,
  toolCalls: 0,
  toolCallsDenied: 0,
  approvals: 0,
  inputTokens: 0,
  outputTokens: 0,
  costMicroUsd: 0,
  /** Tokens that a provider reported beyond what was reserved and could still be charged; 0 with an honest provider. */
  tokensOverrun: 0,
  durationMs: 0,
};

/** What a run has used so far. */
export type RunStatistics = Readonly<Record<keyof typeof noStatistics, number>>;

/** How a run ended. */
export type RunEnding =
  | { readonly reason: 'completed'; readonly answer: string }
  | { readonly reason: 'budget_exceeded'; readonly budget: BudgetKind }
  | { readonly reason: 'denied'; readonly message: string }
  | { readonly reason: 'cancelled'; readonly by: string }
  | { readonly reason: 'deadline' }
  | { readonly reason: 'failed'; readonly error: ErrorData };

/** Result of a finished run. */
export interface RunResult {
  readonly ending: RunEnding;
  readonly statistics: RunStatistics;
}

/**
 * How a tool call ended. `withheld`: it was answered, but policy keeps the answer from the model. `unknown`: it may or may not
 * have had its effect, and nobody tries again.
 */
export type ToolOutcome =
  | 'ok'
  | 'tool_error'
  | 'withheld'
  | 'denied'
  | 'invalid_arguments'
  | 'failed'
  | 'unknown'
  | 'cancelled';

/** Where a run stands. */
export type RunState = 'running' | 'waiting' | 'finished';

import { HostError, noStatistics, toErrorData } from '@modelhost/kernel';
import type {
  AuditLog,
  AuditRecord,
  BudgetLedger,
  ErrorData,
  FieldViolation,
  JsonObject,
  JsonSchemas,
  Keys,
  LlmProvider,
  PolicyEngine,
  Redactor,
  RunInput,
  RunStatistics,
  SessionRedactor,
  SessionStore,
  ToolDefinition,
  ToolGateway,
} from '@modelhost/kernel';
import type { CallLedger } from './budgets/call-ledger.ts';
import { createRunCalls } from './budgets/run-calls.ts';
import type { RunCalls } from './budgets/run-calls.ts';
import { createConversation } from './conversation.ts';
import type { Conversation } from './conversation.ts';
import type { GuardedContext } from './guarded-context.ts';
import { createHiddenMessages } from './hiding/hide-in-request.ts';
import type { HiddenMessages } from './hiding/hide-in-request.ts';
import { createLine } from './line.ts';
import type { Line } from './line.ts';
import type { Terms } from './terms.ts';
import { askerOf } from './policy/asker.ts';
import { createOfferedTools } from './tools/offered-tools.ts';
import type { OfferedTools } from './tools/offered-tools.ts';
import type { AnsweredCall } from './tools/tool-verdict.ts';

/** Everything that the loop reaches beyond its own memory. */
export interface AgentLoopPorts {
  /** By their names in the configuration. */
  readonly providers: ReadonlyMap<string, LlmProvider>;
  readonly tools: ToolGateway;
  readonly schemas: JsonSchemas;
  readonly policy: PolicyEngine;
  readonly audit: AuditLog;
  readonly keys: Keys;
  readonly redactor: Redactor;
  readonly budgets: BudgetLedger;
  /** What principals called before, shared by all runs and direct calls. */
  readonly calls: CallLedger;
  /** Where runs of a session leave their turns. Absent: no run has a session. */
  readonly sessions?: Pick<SessionStore, 'append'>;
}

type Counters = { -readonly [Name in keyof RunStatistics]: RunStatistics[Name] };

/** A run in progress: what its steps share. */
export interface ActiveRun extends OfferedTools {
  readonly context: GuardedContext;
  readonly session: SessionRedactor;
  readonly input: RunInput;
  readonly startedMs: number;
  /** Name of its budget in the ledger: of this life of the run alone. */
  readonly budgetScope: string;
  readonly terms: Terms;
  readonly ports: AgentLoopPorts;
  /** The tools that this run may ask for, by name. */
  readonly tools: ReadonlyMap<string, ToolDefinition>;
  readonly conversation: Conversation;
  readonly hiddenMessages: HiddenMessages;
  readonly calls: RunCalls;
  /** Ids of those that were allowed: they may have had an effect, whether an answer came or not. */
  readonly callsMade: Set<string>;
  /** Calls of this run are decided one after the other, so that each sees those that were allowed before it. */
  readonly decisions: Line;
  /** Results that the model may read on in, by their handles; no more than calls of the run. */
  readonly keptResults: Map<string, AnsweredCall>;
  /** What is wrong with the arguments of a tool; empty when they fit. */
  checkArguments(tool: ToolDefinition, values: JsonObject): readonly FieldViolation[];
  count(name: keyof RunStatistics, by?: number): void;
  /** What it has used; how long it took is for whoever knows the time. */
  statistics(): RunStatistics;
  /** Puts something on record; rejects with `audit_unavailable`. */
  record(entry: AuditRecord): Promise<void>;
  /** The same with the error as a value; null once it is durable. */
  tryRecord(entry: AuditRecord): Promise<ErrorData | null>;
  /** Ends the run with this error. */
  fail(error: ErrorData): never;
}

/** Takes the snapshot of the tools and puts the shared state of a run together. */
export async function openRun(
  ports: AgentLoopPorts,
  given: Pick<ActiveRun, 'context' | 'session' | 'startedMs' | 'budgetScope' | 'terms'>,
  input: RunInput,
): Promise<ActiveRun> {
  const { context } = given;
  const catalogue = await context.step('catalogue', async () => {
    const listed = ports.tools.listTools(input.principal.tenant);
    const offerable = listed.filter(({ name }) => isOffered(input.agent.tools, name));
    return ports.policy.visible(askerOf(input), offerable);
  });
  const tools = new Map([...catalogue, ...input.clientTools].map((tool) => [tool.name, tool]));
  const counters: Counters = { ...noStatistics };

  async function record(entry: AuditRecord): Promise<void> {
    await ports.audit.append(entry);
  }

  return {
    ...given,
    ...createOfferedTools(input, catalogue, given.terms.route()),
    input,
    ports,
    tools,
    conversation: createConversation(input, tools),
    hiddenMessages: createHiddenMessages(),
    calls: createRunCalls(),
    callsMade: new Set(),
    decisions: createLine(),
    keptResults: new Map(),
    // By the schema that was journaled with the catalogue: the gateway may know another one by now.
    checkArguments: ({ inputSchema }, values) => ports.schemas.compile(inputSchema)(values),
    count: (name, by = 1) => {
      counters[name] += by;
    },
    statistics: () => ({ ...counters }),
    record,
    tryRecord: async (entry) => {
      try {
        await record(entry);
        return null;
      } catch (thrown) {
        return toErrorData(thrown);
      }
    },
    fail: (error) => {
      const { code, message, ...options } = error;
      throw new HostError(code, message, options);
    },
  };
}

/** Whether the agent's list of tools, with `alias__*` for all tools of a server, names this tool. */
function isOffered(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern,
  );
}

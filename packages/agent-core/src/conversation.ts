import { joinLabels, plainLabels } from '@modelhost/kernel';
import type { DataLabels, Message, RunInput, ToolDefinition } from '@modelhost/kernel';
import { createSentMessages } from './compaction/sent-messages.ts';
import type { SentMessages } from './compaction/sent-messages.ts';
import type { EvidenceText, EvidenceTexts } from './evidence/find-evidence.ts';
import { labelsOfHistory, saidBeforeLabels } from './policy/data-labels.ts';
import { readArguments } from './tools/tool-verdict.ts';
import type { EvidenceCall } from './tools/tool-verdict.ts';

/** What a run has said and been told. What is added is what the model or the host itself says; what is put in its place is evidence of nothing. */
export interface Conversation extends SentMessages {
  /** The user's words that the run began with. */
  readonly task: Message;
  /** Of all that was ever in it: what the model has seen taints whatever it says. It never gets cleaner. */
  labels(): DataLabels;
  /**
   * What the values of a call can come from, as far as the model has seen it: as it was said, whatever stands in its place now.
   * Bounded as the messages of a run are.
   */
  texts(): EvidenceTexts;
  addResult(message: ToolMessage, about: ResultOrigin): void;
  /** Notes a call that may have had an effect, and that no answer tells of: what it wrote may come back in any other. */
  addAttempt(source: string, call: EvidenceCall): void;
}

type ToolMessage = Extract<Message, { role: 'tool' }>;

/** Where the result of a call comes from. */
export interface ResultOrigin {
  readonly labels: DataLabels;
  /** Name of its step. */
  readonly source: string;
  /** What a tool answered; undefined for the words of the host, in which nothing is told. */
  readonly call: EvidenceCall | undefined;
}

type ConversationInput = Pick<RunInput, 'agent' | 'history' | 'input' | 'labels' | 'session'>;

/** Of what a run is given to start with, as far as the tools of its history are known. */
export function labelsOfInput(
  input: ConversationInput,
  tools: readonly ToolDefinition[],
): DataLabels {
  return createConversation(input, new Map(tools.map((tool) => [tool.name, tool]))).labels();
}

/**
 * Starts the conversation of a run: instructions, history, task. `tools` are those whose results are known for what they are.
 * The history of a session has the labels that it had; one that the caller brings along has those of what nobody here knows.
 */
export function createConversation(
  { agent, history, input, labels: given = plainLabels, session }: ConversationInput,
  tools: ReadonlyMap<string, ToolDefinition>,
): Conversation {
  const sent = createSentMessages(history, session?.summary);
  const prompt: string[] = [];
  const trusted: EvidenceText[] = [];
  const untrusted: EvidenceText[] = [];
  /** Arguments of the calls in the history, by id. */
  const asked = new Map<string, string>();
  let labels = given;

  function addResult(message: ToolMessage, { labels: taken, source, call }: ResultOrigin): void {
    sent.add(message);
    labels = joinLabels(labels, taken);
    const text = { source, text: message.content, ...(call === undefined ? {} : { call }) };
    if (taken.integrity === 'untrusted') untrusted.push(text);
    else if (call !== undefined) trusted.push(text);
  }

  function addAttempt(source: string, call: EvidenceCall): void {
    // An empty list: an answer that cannot be read would take away what other answers say.
    untrusted.push({ source, text: '[]', call });
  }

  function addGiven(message: Message, source: string): void {
    if (message.role === 'tool') {
      const tool = tools.get(message.toolName);
      const call = callOf(tool, asked.get(message.toolCallId) ?? '');
      addResult(message, { labels: labelsOfHistory(tool, message.isError, session), source, call });
      return;
    }
    sent.add(message);
    if (message.role === 'assistant') {
      labels = joinLabels(labels, saidBeforeLabels);
      // In a session the host knows what the model had read; whatever that was stands in the history itself.
      if (message.content !== '' && session === undefined) {
        untrusted.push({ source, text: message.content });
      }
      for (const { id, name, arguments: text } of message.toolCalls) {
        asked.set(id, text);
        const call = callOf(tools.get(name), text);
        // Nobody knows whether the caller brings the answer along, too.
        if (call !== undefined && call.tool.effect !== 'none') addAttempt(source, call);
      }
    }
    if (message.role !== 'user') return;
    for (const part of message.content) if (part.type === 'text') prompt.push(part.text);
  }

  if (agent.instructions !== '') {
    sent.add({ role: 'system', content: agent.instructions });
    trusted.push({ source: 'instructions', text: agent.instructions });
  }
  for (const [index, message] of history.entries()) addGiven(message, `history-${index + 1}`);
  if (session !== undefined) labels = joinLabels(given, session.labels);
  sent.begin();
  const task: Message = { role: 'user', content: input };
  addGiven(task, 'prompt');

  return {
    ...sent,
    task,
    labels: () => labels,
    texts: () => ({ prompt, trusted, untrusted }),
    addResult,
    addAttempt,
  };
}

/** A call of the history; undefined when its tool is not known or its arguments cannot be read. */
function callOf(tool: ToolDefinition | undefined, argumentsText: string): EvidenceCall | undefined {
  const values = readArguments(argumentsText);
  return tool === undefined || values === undefined ? undefined : { tool, arguments: values };
}

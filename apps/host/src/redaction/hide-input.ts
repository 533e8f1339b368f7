import { hideInArguments, repeatsName } from '@modelhost/agent-core';
import { HostError, isJsonObject, parseJsonText } from '@modelhost/kernel';
import type {
  ContentPart,
  Json,
  JsonObject,
  Message,
  RedactionCounts,
  RedactionStyles,
  Redactor,
  RunInput,
} from '@modelhost/kernel';
import { hideLong } from './hide-long.ts';

/** What a caller sent, as it may be kept and shown. */
export interface HiddenInput {
  readonly input: RunInput;
  /** How often each detector found something. */
  readonly found: RedactionCounts;
}

/** Changes one text; others are served between two parts of a long one. */
type Hide = (text: string) => Promise<string>;
type HideJson = (value: Json) => Json;
type HideArguments = (text: string) => string;

/**
 * Takes out of a request what is hidden always and what policy asks for: texts, names of files, results and arguments of earlier
 * calls, definitions of client tools, metadata. What looks like a placeholder is none, as it comes from outside; in the history of a
 * session it is one. An address cannot be changed and stay one, so a request with a value in an address is refused with
 * `validation_failed`.
 */
export async function hideInput(
  redactor: Redactor,
  input: RunInput,
  styles: RedactionStyles,
): Promise<HiddenInput> {
  const { runId, rootRunId, principal, session: continued, placeholders: known = null } = input;
  const sessionId = continued?.rootId ?? rootRunId ?? runId;
  const session = redactor.open({ tenant: principal.tenant, sessionId });
  session.adopt(known);
  const step = session.step();
  const escape = (text: string): string => session.escape(text);

  const hideKept: Hide = async (text) => hideLong(step, text, styles);
  const hideKeptJson: HideJson = (value) => step.redactJson(value, styles);
  // Nothing of a fork comes from outside: it was taken in before.
  const isFork = rootRunId !== undefined;
  const hide: Hide = isFork ? hideKept : async (text) => hideKept(escape(text));
  const hideJson: HideJson = isFork
    ? hideKeptJson
    : (value) => hideKeptJson(escapeAll(value, escape));
  const hideKeptArguments: HideArguments = (text) => hideInArguments(text, step, styles);
  const hideArguments: HideArguments = isFork
    ? hideKeptArguments
    : (text) => hideKeptArguments(escapeInArguments(text, escape));
  const parts = await hideParts(input.input, 'spec.input', hide);
  const history =
    continued === undefined
      ? await hideHistory(input.history, hide, hideArguments)
      : await hideHistory(input.history, hideKept, hideKeptArguments);
  const metadata = await hideLabels(input.metadata, hide);
  const hidden = { ...input, input: parts, history, metadata, ...hideSchemas(input, hideJson) };
  const found = step.found();
  const placeholders = joinPlaceholders(known, step.state());
  return { input: placeholders === null ? hidden : { ...hidden, placeholders }, found };
}

/** Each is a list, or null for none. */
function joinPlaceholders(...given: readonly Json[]): Json {
  const lists: readonly (readonly Json[])[] = given.filter((one) => Array.isArray(one));
  return lists.length === 0 ? null : lists.flat();
}

async function hideParts(
  parts: readonly ContentPart[],
  field: string,
  hide: Hide,
): Promise<readonly ContentPart[]> {
  const hidden: ContentPart[] = [];
  for (const [index, part] of parts.entries()) {
    // One after the other: placeholders are numbered in the order of the text.
    hidden.push(await hidePart(part, `${field}[${index}]`, hide)); // oxlint-disable-line no-await-in-loop
  }
  return hidden;
}

async function hidePart(part: ContentPart, field: string, hide: Hide): Promise<ContentPart> {
  switch (part.type) {
    case 'text':
      return { ...part, text: await hide(part.text) };
    case 'file':
      await refuseHidden(part.uri, `${field}.file.uri`, hide);
      return { ...part, name: await hide(part.name) };
    case 'image':
      if ('uri' in part.source) await refuseHidden(part.source.uri, `${field}.image.uri`, hide);
      return part;
  }
}

async function refuseHidden(uri: string, field: string, hide: Hide): Promise<void> {
  if ((await hide(uri)) === uri) return;
  const description = 'has something in it that is hidden here; give an address without it';
  throw new HostError('validation_failed', `${field}: ${description}`, {
    violations: [{ field, description }],
    facts: { field },
  });
}

async function hideHistory(
  history: readonly Message[],
  hide: Hide,
  hideArguments: HideArguments,
): Promise<readonly Message[]> {
  const hidden: Message[] = [];
  for (const [index, message] of history.entries()) {
    const field = `spec.history[${index}].content`;
    hidden.push(await hideMessage(message, field, { hide, hideArguments })); // oxlint-disable-line no-await-in-loop
  }
  return hidden;
}

async function hideMessage(
  message: Message,
  field: string,
  { hide, hideArguments }: { readonly hide: Hide; readonly hideArguments: HideArguments },
): Promise<Message> {
  switch (message.role) {
    case 'user':
      return { ...message, content: await hideParts(message.content, field, hide) };
    case 'assistant': {
      const content = await hide(message.content);
      return {
        ...message,
        content,
        toolCalls: message.toolCalls.map((call) => ({
          ...call,
          arguments: hideArguments(call.arguments),
        })),
      };
    }
    case 'system':
    case 'tool':
      return { ...message, content: await hide(message.content) };
  }
}

/** What the reader of the request let through is the text of one object. */
function escapeInArguments(text: string, escape: (text: string) => string): string {
  const given = parseJsonText(text);
  const escaped = JSON.stringify(escapeAll(given, escape));
  return escaped === JSON.stringify(given) && !repeatsName(text, given) ? text : escaped;
}

async function hideLabels(
  labels: Readonly<Record<string, string>>,
  hide: Hide,
): Promise<Readonly<Record<string, string>>> {
  const hidden: [string, string][] = [];
  for (const [name, value] of Object.entries(labels)) {
    hidden.push([await hide(name), await hide(value)]); // oxlint-disable-line no-await-in-loop
  }
  return Object.fromEntries(hidden);
}

function hideSchemas(
  { answerSchema, clientTools, sampling }: RunInput,
  hideJson: HideJson,
): Pick<RunInput, 'answerSchema' | 'clientTools' | 'sampling'> {
  const { stopSequences } = sampling;
  return {
    answerSchema: answerSchema === undefined ? undefined : objectOf(hideJson(answerSchema)),
    clientTools: clientTools.map((tool) => ({
      ...tool,
      description: textOf(hideJson(tool.description)),
      inputSchema: objectOf(hideJson(tool.inputSchema)),
    })),
    sampling:
      stopSequences === undefined
        ? sampling
        : { ...sampling, stopSequences: stopSequences.map((text) => textOf(hideJson(text))) },
  };
}

/** A text stays one, and so does an object. */
function textOf(value: Json): string {
  return typeof value === 'string' ? value : '';
}

function objectOf(value: Json): JsonObject {
  return isJsonObject(value) ? value : {};
}

function escapeAll(value: Json, escape: (text: string) => string): Json {
  if (typeof value === 'string') return escape(value);
  if (typeof value !== 'object' || value === null) return value;
  if (!isJsonObject(value)) return value.map((item: Json) => escapeAll(item, escape));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [escape(name), escapeAll(member, escape)]),
  );
}

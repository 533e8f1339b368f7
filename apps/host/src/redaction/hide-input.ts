import { setImmediate as turn } from 'node:timers/promises';
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
  ToolCall,
} from '@modelhost/kernel';

/** What a caller sent, as it may be kept and shown. */
export interface HiddenInput {
  readonly input: RunInput;
  /** How often each detector found something. */
  readonly found: RedactionCounts;
}

/** Changes one text; others are served between two parts of a long one. */
type Hide = (text: string) => Promise<string>;
type HideJson = (value: Json) => Json;

// As much as may be looked at in one go.
const sliceLength = 65_536;

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

  async function hideKept(text: string): Promise<string> {
    if (text.length <= sliceLength) return step.redact(text, styles);
    const stream = step.stream(styles);
    let hidden = '';
    for (let at = 0; at < text.length; at += sliceLength) {
      hidden += stream.push(text.slice(at, at + sliceLength));
      await turn(); // oxlint-disable-line no-await-in-loop
    }
    return hidden + stream.end();
  }

  const hideKeptJson: HideJson = (value) => step.redactJson(value, styles);
  // Nothing of a fork comes from outside: it was taken in before.
  const isFork = rootRunId !== undefined;
  const hide: Hide = isFork ? hideKept : async (text) => hideKept(escape(text));
  const hideJson: HideJson = isFork
    ? hideKeptJson
    : (value) => hideKeptJson(escapeAll(value, escape));
  const parts = await hideParts(input.input, 'spec.input', hide);
  const history =
    continued === undefined
      ? await hideHistory(input.history, hide, hideJson)
      : await hideHistory(input.history, hideKept, hideKeptJson);
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
  hideJson: HideJson,
): Promise<readonly Message[]> {
  const hidden: Message[] = [];
  for (const [index, message] of history.entries()) {
    const field = `spec.history[${index}].content`;
    hidden.push(await hideMessage(message, field, { hide, hideJson })); // oxlint-disable-line no-await-in-loop
  }
  return hidden;
}

async function hideMessage(
  message: Message,
  field: string,
  { hide, hideJson }: { readonly hide: Hide; readonly hideJson: HideJson },
): Promise<Message> {
  switch (message.role) {
    case 'user':
      return { ...message, content: await hideParts(message.content, field, hide) };
    case 'assistant': {
      const content = await hide(message.content);
      return {
        ...message,
        content,
        toolCalls: message.toolCalls.map((call) => hideCall(call, hideJson)),
      };
    }
    case 'system':
    case 'tool':
      return { ...message, content: await hide(message.content) };
  }
}

/** What the reader of the request let through is the text of one object. */
function hideCall(call: ToolCall, hideJson: HideJson): ToolCall {
  const given = parseJsonText(call.arguments);
  const hidden = JSON.stringify(hideJson(given));
  return hidden === JSON.stringify(given) ? call : { ...call, arguments: hidden };
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

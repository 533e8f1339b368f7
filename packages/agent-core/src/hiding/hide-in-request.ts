import type {
  ContentPart,
  Message,
  RedactionStyles,
  StepRedactor,
  ToolCall,
} from '@modelhost/kernel';
import type { EvidenceText, EvidenceTexts } from '../evidence/find-evidence.ts';
import { hideInArguments } from './hide-in-arguments.ts';

/** What models are sent, so that a long conversation is not looked through again at each turn. */
export interface HiddenMessages {
  /** The messages with everything hidden; call `keep` of them once the step that sends them is done. */
  hide(
    messages: readonly Message[],
    redactor: StepRedactor,
    styles: RedactionStyles,
  ): { readonly messages: readonly Message[]; readonly keep: () => void };
  /** Notes what policy hid from the model in the answer that the run goes on with. */
  answered(styles: RedactionStyles): void;
  /** What the values of a call can come from, as the model has seen it when it wrote them. */
  texts(texts: EvidenceTexts, redactor: StepRedactor): EvidenceTexts;
}

/** Remembers as long as the messages live. */
export function createHiddenMessages(): HiddenMessages {
  const kept = new WeakMap<Message, { readonly key: string; readonly hidden: Message }>();
  let hiddenFromModel: RedactionStyles = {};
  /** By the text; no more than there are in the conversation. */
  let evidence = new Map<string, string>();

  function hideText(text: string, redactor: StepRedactor): string {
    const hidden = evidence.get(text) ?? redactor.redact(text, hiddenFromModel);
    evidence.set(text, hidden);
    return hidden;
  }

  return {
    hide: (messages, redactor, styles) => {
      if (!redactor.hides(styles)) return { messages, keep: () => {} };
      const key = JSON.stringify(styles);
      const fresh = new Map<Message, Message>();
      const hidden = messages.map((message) => {
        const known = kept.get(message);
        if (known?.key === key) return known.hidden;
        const made = hideInMessage(message, redactor, styles);
        fresh.set(message, made);
        return made;
      });
      // Not before: placeholders of a step that fails belong to no result.
      const keep = (): void => {
        for (const [message, made] of fresh) kept.set(message, { key, hidden: made });
      };
      return { messages: hidden, keep };
    },
    answered: (styles) => {
      if (JSON.stringify(styles) === JSON.stringify(hiddenFromModel)) return;
      hiddenFromModel = styles;
      evidence = new Map();
    },
    texts: (texts, redactor) => {
      if (Object.keys(hiddenFromModel).length === 0) return texts;
      const hide = (text: EvidenceText): EvidenceText => ({
        ...text,
        text: hideText(text.text, redactor),
      });
      return {
        prompt: texts.prompt.map((text) => hideText(text, redactor)),
        trusted: texts.trusted.map(hide),
        untrusted: texts.untrusted.map(hide),
      };
    },
  };
}

/** A message with everything in it hidden. */
export function hideInMessage(
  message: Message,
  redactor: StepRedactor,
  styles: RedactionStyles,
): Message {
  const hide = (text: string): string => redactor.redact(text, styles);
  switch (message.role) {
    case 'system':
    case 'tool':
      return { ...message, content: hide(message.content) };
    case 'user':
      return { ...message, content: message.content.map((part) => hideInPart(part, hide)) };
    case 'assistant':
      return {
        ...message,
        content: hide(message.content),
        toolCalls: message.toolCalls.map((call) => hideInCall(call, redactor, styles)),
      };
  }
}

/** A call with its arguments hidden, and whatever else a model may have written in place of the name of a tool. */
export function hideInCall(
  call: ToolCall,
  redactor: StepRedactor,
  styles: RedactionStyles,
): ToolCall {
  if (!redactor.hides(styles)) return call;
  const name = redactor.redact(call.name, styles);
  return { ...call, name, arguments: hideInArguments(call.arguments, redactor, styles) };
}

/** The bytes of an image are no text. */
function hideInPart(part: ContentPart, hide: (text: string) => string): ContentPart {
  switch (part.type) {
    case 'text':
      return { ...part, text: hide(part.text) };
    case 'file':
      return { ...part, name: hide(part.name), uri: hide(part.uri) };
    case 'image':
      return 'uri' in part.source ? { ...part, source: { uri: hide(part.source.uri) } } : part;
  }
}

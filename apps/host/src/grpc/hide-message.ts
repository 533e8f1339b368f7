import { ScalarType } from '@bufbuild/protobuf';
import type { DescField, DescMessage, MessageShape } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { ReflectMessage } from '@bufbuild/protobuf/reflect';
import { parseJsonText } from '@modelhost/kernel';
import type { Json, Redactor } from '@modelhost/kernel';

/** Hides what is hidden always in every text of a message that was made for one answer. */
export type HideMessage = <Type extends DescMessage>(
  type: Type,
  message: MessageShape<Type>,
) => void;

/** What is of our own making and means something to the byte, and the names that people are known by. */
const kept = /(?:^|_)(?:id|token|digest|version|url|subject|by)$/;
/** Whose texts are hidden before they are kept; there may be megabytes of them. */
const hiddenBefore: ReadonlySet<string> = new Set([
  'modelhost.v1.Run',
  'modelhost.v1.Session',
  'modelhost.v1.Tool',
  'modelhost.v1.ToolPin',
  'modelhost.v1.Turn',
]);

/** The one place for all answers, so that no new field of a message is forgotten. */
export function createMessageHiding(redactor: Redactor): HideMessage {
  const session = redactor.open({ tenant: '', sessionId: 'answers' });

  function hideText({ name }: DescField, text: string): string {
    if (kept.test(name) || text === '') return text;
    return name.endsWith('_json') ? hideJsonText(text) : redactor.redact(text);
  }

  /** As a value: a text of JSON may lose what it needs to be one. What is none, such as a model may write, is a text. */
  function hideJsonText(text: string): string {
    const value = readJson(text);
    if (value === undefined) return redactor.redact(text);
    const step = session.step();
    const hidden = step.redactJson(value, {});
    return Object.keys(step.found()).length === 0 ? text : JSON.stringify(hidden);
  }

  function hideIn(message: ReflectMessage): void {
    if (hiddenBefore.has(message.desc.typeName)) return;
    for (const field of message.fields) {
      if (message.isSet(field)) hideField(message, field);
    }
  }

  function hideField(message: ReflectMessage, field: DescField): void {
    switch (field.fieldKind) {
      case 'message':
        return hideIn(message.get(field));
      case 'scalar':
        if (field.scalar !== ScalarType.STRING) return;
        return message.set(field, hideText(field, message.get(field)));
      case 'list': {
        const list = message.get(field);
        for (const [index, item] of Array.from(list).entries()) {
          if (field.listKind === 'message') hideIn(item as ReflectMessage);
          else if (typeof item === 'string') list.set(index, hideText(field, item));
        }
        return;
      }
      case 'map': {
        const map = message.get(field);
        for (const [name, item] of Array.from(map)) {
          if (field.mapKind === 'message') hideIn(item as ReflectMessage);
          else if (typeof item === 'string') map.set(name, hideText(field, item));
        }
        return;
      }
      case 'enum':
    }
  }

  return (type, message) => hideIn(reflect(type, message));
}

function readJson(text: string): Json | undefined {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

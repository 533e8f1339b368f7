import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { Role, RunEndReason } from '@modelhost/contracts';
import type {
  ContentPartSchema,
  MessageSchema,
  SessionSchema,
  TurnSchema,
} from '@modelhost/contracts';
import type { ContentPart, Message, RunEnding, Session, SessionTurn } from '@modelhost/kernel';
import { toStatisticsMessage } from './event-message.ts';
import { toLabelsMessage } from './policy-message.ts';

const reasons: Readonly<Record<RunEnding['reason'], RunEndReason>> = {
  completed: RunEndReason.COMPLETED,
  budget_exceeded: RunEndReason.BUDGET_EXCEEDED,
  denied: RunEndReason.DENIED,
  cancelled: RunEndReason.CANCELLED,
  deadline: RunEndReason.DEADLINE,
  failed: RunEndReason.FAILED,
};

/** A session as its message. */
export function toSessionMessage(session: Session): MessageInitShape<typeof SessionSchema> {
  const { sessionId, subject, title, metadata, turns, labels, heldBy, branch } = session;
  return {
    sessionId,
    subject,
    title,
    metadata: { ...metadata },
    createTime: timestampFromMs(session.createdAtMs),
    updateTime: timestampFromMs(session.updatedAtMs),
    turnCount: turns,
    runId: heldBy ?? '',
    branchedFrom: branch?.sessionId ?? '',
    branchedAtTurn: branch?.turn ?? 0,
    labels: toLabelsMessage(labels),
  };
}

/** A turn as its message. */
export function toTurnMessage(turn: SessionTurn): MessageInitShape<typeof TurnSchema> {
  const { number, runId, agent, agentVersion, reason, timeMs, messages, statistics, labels } = turn;
  return {
    number,
    runId,
    agent,
    agentVersion,
    reason: reasons[reason],
    time: timestampFromMs(timeMs),
    messages: messages.map(toMessageMessage),
    statistics: toStatisticsMessage(statistics),
    labels: toLabelsMessage(labels),
  };
}

function toMessageMessage(message: Message): MessageInitShape<typeof MessageSchema> {
  switch (message.role) {
    case 'system':
      return { role: Role.SYSTEM, content: textOf(message.content) };
    case 'user':
      return { role: Role.USER, content: message.content.map(toPartMessage) };
    case 'assistant':
      return {
        role: Role.ASSISTANT,
        content: textOf(message.content),
        toolCalls: message.toolCalls.map(({ id, name, arguments: argumentsJson }) => ({
          id,
          name,
          argumentsJson,
        })),
      };
    case 'tool':
      return {
        role: Role.TOOL,
        content: textOf(message.content),
        toolCallId: message.toolCallId,
      };
  }
}

/** The contract has no empty text. */
function textOf(text: string): MessageInitShape<typeof ContentPartSchema>[] {
  return text === '' ? [] : [{ part: { case: 'text', value: { text } } }];
}

function toPartMessage(part: ContentPart): MessageInitShape<typeof ContentPartSchema> {
  switch (part.type) {
    case 'text':
      return { part: { case: 'text', value: { text: part.text } } };
    case 'image': {
      const { mediaType, source } = part;
      const bytes =
        'uri' in source
          ? ({ case: 'uri', value: source.uri } as const)
          : ({ case: 'data', value: Buffer.from(source.base64, 'base64') } as const);
      return { part: { case: 'image', value: { mediaType, source: bytes } } };
    }
    case 'file': {
      const { uri, mediaType, name } = part;
      return { part: { case: 'file', value: { uri, mediaType, name } } };
    }
  }
}

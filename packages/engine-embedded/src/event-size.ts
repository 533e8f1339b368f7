import type { RunEnding, RunEventBody } from '@modelhost/kernel';

/** What an event costs beside its texts, roughly. */
const eventBytes = 160;

/** Bytes that an event keeps in memory, from the lengths of its texts alone: this runs for every delta. */
export function eventSize(body: RunEventBody): number {
  return eventBytes + 2 * textLength(body);
}

function textLength(body: RunEventBody): number {
  if (isPlain(body)) return 0;
  if (isWithinCall(body)) return lengthWithinCall(body);
  switch (body.type) {
    case 'text-delta':
    case 'reasoning-delta':
      return body.text.length;
    case 'tool-requested':
      return body.arguments.length + body.tool.length;
    case 'approval-requested':
      return body.arguments.length + body.tool.length + JSON.stringify(body.origins).length;
    case 'tool-finished':
      return body.content.length;
    case 'approval-vote':
      return body.by.length;
    case 'approval-resolved':
      return body.comment.length + body.by.length;
    case 'decision':
      return body.reasons.reduce((sum, reason) => sum + reason.message.length, 0);
    case 'run-finished':
      return answerLength(body.result.ending);
  }
}

function answerLength(ending: RunEnding): number {
  return ending.reason === 'completed' ? ending.answer.length : 0;
}

type WithinCall = Extract<
  RunEventBody,
  { type: 'tool-progress' | 'input-requested' | 'input-resolved' }
>;

/** What a tool server tells or asks in the middle of a call. */
function isWithinCall(body: RunEventBody): body is WithinCall {
  return body.type === 'tool-progress' || body.type.startsWith('input-');
}

function lengthWithinCall(body: WithinCall): number {
  switch (body.type) {
    case 'tool-progress':
      return body.message.length;
    case 'input-requested':
      return body.message.length + body.url.length + JSON.stringify(body.schema ?? '').length;
    case 'input-resolved':
      return body.by.length;
  }
}

const plainTypes = [
  'run-started',
  'step-started',
  'step-finished',
  'usage',
  'step-reset',
  'events-dropped',
  'context-compacted',
] as const;

/** What has no text of any length. */
function isPlain(
  body: RunEventBody,
): body is Extract<RunEventBody, { type: (typeof plainTypes)[number] }> {
  return plainTypes.some((type) => type === body.type);
}

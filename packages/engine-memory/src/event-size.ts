import type { JsonObject, RunEventBody } from '@modelhost/kernel';

/** What an event costs beside its texts, roughly. */
const eventBytes = 160;

/** Bytes that an event keeps in memory, from the lengths of its texts alone: this runs for every delta. */
export function eventSize(body: RunEventBody): number {
  return eventBytes + 2 * textLength(body);
}

function textLength(body: RunEventBody): number {
  switch (body.type) {
    case 'text-delta':
    case 'reasoning-delta':
      return body.text.length;
    case 'tool-requested':
    case 'approval-requested':
      return body.arguments.length + body.tool.length;
    case 'tool-finished':
      return body.content.length;
    case 'approval-resolved':
      return body.comment.length + body.by.length;
    case 'tool-progress':
      return body.message.length;
    case 'input-requested':
      return body.message.length + body.url.length + jsonLength(body.schema);
    case 'input-resolved':
      return body.by.length;
    case 'decision':
      return body.reasons.reduce((sum, reason) => sum + reason.message.length, 0);
    case 'run-finished':
      return body.result.ending.reason === 'completed' ? body.result.ending.answer.length : 0;
    case 'run-started':
    case 'step-started':
    case 'step-finished':
    case 'usage':
      return 0;
  }
}

/** Such events are few: one for each input that a person is asked for. */
function jsonLength(value: JsonObject | undefined): number {
  return value === undefined ? 0 : JSON.stringify(value).length;
}

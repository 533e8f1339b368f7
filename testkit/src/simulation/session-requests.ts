import type { Message, ModelRequest } from '@modelhost/kernel';
import { withoutValues } from './accounts.ts';
import { allRulesOf } from './in-force.ts';
import { isTask } from './window.ts';
import type { HostWorld } from './world.ts';

/**
 * S4: what a model is sent before the task is what was said in the session, to its end, and all of it where nothing stands for the
 * beginning.
 */
export function checkHistory(
  { conversations, tasks, facts, governance }: HostWorld,
  { runId, step }: { readonly runId: string; readonly step: string },
  { messages }: ModelRequest,
): void {
  const given = conversations.givenTo(runId);
  const task = messages.findIndex((message) => isTask(message, tasks.get(runId)));
  // A summary can be made without the task.
  if (given === undefined || task < 0) return;
  const before = messages.slice(0, task).filter(({ role }) => role !== 'system');
  const sent = before.filter((message) => !isStandIn(message));
  const isCut = sent.length < before.length || step.includes('/compact');
  const expected = isCut ? given.history.slice(given.history.length - sent.length) : given.history;
  // What policy hides from the model stands there otherwise.
  const isHidden = allRulesOf(governance)?.includes('bounded') === true;
  const isSame = isHidden ? sent.length === expected.length : textOf(sent) === textOf(expected);
  if (!isSame) facts.violate('S4', `${runId}: ${step} is sent something else than was said`);
}

function isStandIn({ role, content }: Message): boolean {
  return (
    role === 'user' &&
    typeof content !== 'string' &&
    content.some((part) => part.type === 'text' && part.text.startsWith('[The host has '))
  );
}

function textOf(messages: readonly Message[]): string {
  return withoutValues(JSON.stringify(messages));
}

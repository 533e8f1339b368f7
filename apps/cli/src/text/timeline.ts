import type {
  Decision,
  InputRequested,
  InputResolved,
  RunEvent,
  RunFinished,
  RunResult,
  RunStarted,
  StepStarted,
  ToolProgress,
  ToolRequested,
} from '@modelhost/contracts';
import {
  DecisionEffect,
  InputAction,
  RunEndReason,
  StepKind,
  ToolExecutor,
} from '@modelhost/contracts';
import { renderApproval } from './approval-text.ts';
import type { ApprovalEvent } from './approval-text.ts';
import { renderArguments } from './arguments-text.ts';
import { fieldKinds, readForm } from './input-form.ts';
import { isInterruption, renderInterruption } from './interruption-text.ts';
import { listObligations } from './obligations-text.ts';
import type { Paint } from './paint.ts';
import { toLine, toPrintable } from './printable.ts';
import { budgetName, formatStatistics } from './quantities.ts';
import { renderToolFinished } from './tool-finished-text.ts';

/** How a timeline is shown. */
export interface TimelineStyle {
  readonly paint: Paint;
  /** Shows allowances and reasoning as well. */
  readonly isVerbose: boolean;
}

const argumentsLengthMax = 120;
const reminderLengthMax = 100;
const contentLengthMax = 160;
const messageLengthMax = 1_000;

/**
 * What a terminal shows of an event: whole lines, except for text of the model, which continues the line it is in.
 * Empty for an event that says nothing to a person. `call` is the request of the call that the event is about: several
 * calls of one tool may be under way, and its arguments tell them apart.
 */
export function renderEvent(
  { event, step, time }: RunEvent,
  style: TimelineStyle,
  call?: ToolRequested,
): string {
  const { paint } = style;
  if (isApproval(event)) return renderApproval(event, paint, time);
  if (isWithinCall(event)) return renderWithinCall(event, paint, call);
  if (isInterruption(event)) return renderInterruption(event, step, paint);
  switch (event.case) {
    case 'runStarted':
      return renderRunStarted(event.value, paint);
    case 'stepStarted':
      return renderStepStarted(event.value, step, paint);
    case 'textDelta':
      return indent(toPrintable(event.value.text));
    case 'reasoningDelta':
      return renderReasoning(event.value.text, style);
    case 'toolRequested':
      return renderToolRequested(event.value, paint);
    case 'decision':
      return renderDecision(event.value, style, call);
    case 'toolFinished':
      return renderToolFinished(event.value, paint, remind(call));
    case 'runFinished':
      return renderRunFinished(event.value, paint);
    case 'usage':
    case 'stepFinished':
    case undefined:
      return '';
  }
}

/** Whether an event continues the text before it rather than beginning a line. */
export function isText({ event }: RunEvent): boolean {
  return event.case === 'textDelta' || event.case === 'reasoningDelta';
}

type Event = RunEvent['event'];
type WithinCall = Extract<Event, { case: 'toolProgress' | 'inputRequested' | 'inputResolved' }>;

/** What people are asked, and what they say. */
function isApproval(event: Event): event is ApprovalEvent {
  return event.case?.startsWith('approval') === true;
}

/** What a tool server tells or asks in the middle of a call. */
function isWithinCall(event: Event): event is WithinCall {
  return event.case === 'toolProgress' || event.case?.startsWith('input') === true;
}

function renderWithinCall(
  event: WithinCall,
  paint: Paint,
  call: ToolRequested | undefined,
): string {
  switch (event.case) {
    case 'toolProgress':
      return renderToolProgress(event.value, paint, call);
    case 'inputRequested':
      return renderInputRequested(event.value, paint);
    case 'inputResolved':
      return renderInputResolved(event.value, paint);
  }
}

function renderReasoning(text: string, { paint, isVerbose }: TimelineStyle): string {
  return isVerbose ? paint.dim(indent(toPrintable(text))) : '';
}

function renderRunStarted({ runId, agent, model }: RunStarted, paint: Paint): string {
  return `${paint.bold('run')} ${runId}  agent ${agent}, model ${toLine(model, 64)}\n`;
}

function renderStepStarted({ kind }: StepStarted, step: string, paint: Paint): string {
  if (kind !== StepKind.MODEL) return '';
  const [turn = step, ...rest] = step.split('/');
  // A step within a call of the turn is one that its tool asked for.
  if (rest.length > 1) return `  ${paint.dim('⋯ the tool asks the model')}\n`;
  if (rest[0]?.startsWith('compact') === true) {
    return `  ${paint.dim('⋯ the conversation is too long: the model summarizes the older part')}\n`;
  }
  if (rest[0] === 'model-again') return `  ${paint.dim('⋯ the model is asked again')}\n`;
  return `${paint.bold(toLine(turn, 40))}\n`;
}

function renderToolRequested(requested: ToolRequested, paint: Paint): string {
  const { tool, argumentsJson, executor } = requested;
  const where = executor === ToolExecutor.CLIENT ? paint.dim(' (runs at the caller)') : '';
  const values = toLine(argumentsJson, argumentsLengthMax);
  return `  ${paint.cyan('→')} ${toLine(tool, 64)} ${paint.dim(values)}${where}\n`;
}

function renderDecision(
  decision: Decision,
  { paint, isVerbose }: TimelineStyle,
  call: ToolRequested | undefined,
): string {
  const { effect, resource, action, reasons } = decision;
  const what = `${toLine(resource, 64)} ${paint.dim(remind(call) ?? `(${toLine(action, 40)})`)}`;
  const why = reasons.map(({ rule, message }) =>
    message === '' ? toLine(rule, 80) : `${toLine(rule, 80)}: ${toLine(message, 240)}`,
  );
  const must = listObligations(decision.obligations);
  const demands = must.length === 0 ? [] : [`must: ${must.join(', ')}`];
  const lines = [...why, ...demands].map((line) => `      ${line}\n`).join('');
  switch (effect) {
    case DecisionEffect.DENY:
      return `  ${paint.red('✗ denied')} ${what}\n${lines}`;
    case DecisionEffect.HOLD:
      return `  ${paint.yellow('‖ held')} ${what}\n${lines}`;
    case DecisionEffect.ALLOW:
      return isVerbose ? `  ${paint.green('✓ allowed')} ${what}\n${paint.dim(lines)}` : '';
    case DecisionEffect.UNSPECIFIED:
      break;
  }
  // A newer host may know more effects; what it says is shown without a guess.
  return `  ? decided ${what}\n${lines}`;
}

function renderToolProgress(
  { progress, total, message }: ToolProgress,
  paint: Paint,
  call: ToolRequested | undefined,
): string {
  const name = call === undefined ? '' : ` ${toLine(call.tool, 64)}`;
  const amount = total === undefined ? String(progress) : `${progress} of ${total}`;
  const note = message === '' ? '' : `: ${toLine(message, contentLengthMax)}`;
  return `  ${paint.dim(`⋯${name} ${amount}${note}`)}\n`;
}

function renderInputRequested(requested: InputRequested, paint: Paint): string {
  const { inputId, tool, message, schemaJson, url } = requested;
  // Never shortened: a person has to see where they are sent and what is asked for.
  const what =
    url === ''
      ? renderForm(schemaJson)
      : `      to be given at ${toPrintable(url).replaceAll('\n', ' ')}\n`;
  return `  ${paint.yellow('? input')} ${inputId} wanted by ${toLine(tool, 64)}, which says: ${toLine(message, messageLengthMax)}\n${what}`;
}

function renderForm(schemaJson: string): string {
  const fields = readForm(schemaJson);
  // What is of a newer kind is shown as it stands.
  if (fields === undefined) return renderArguments(schemaJson, '      ');
  return fields
    .map(({ name, type, title, isRequired, choices }) => {
      const shown = toLine(title === '' || title === name ? name : `${name} (${title})`, 120);
      const values = choices.map(({ value }) => value).join(', ');
      const kind = choices.length === 0 ? fieldKinds[type] : `${type} of ${toLine(values, 200)}`;
      return `      ${shown}: ${kind}${isRequired ? '' : ', optional'}\n`;
    })
    .join('');
}

function renderInputResolved(resolved: InputResolved, paint: Paint): string {
  const { inputId, action, resolvedBy } = resolved;
  const by = `${inputId} by ${toLine(resolvedBy, 128)}\n`;
  switch (action) {
    case InputAction.ACCEPT:
      return `  ${paint.green('✓ input given')} ${by}`;
    case InputAction.DECLINE:
      return `  ${paint.red('✗ input declined')} ${by}`;
    case InputAction.CANCEL:
      return `  ${paint.yellow('✗ input cancelled')} ${by}`;
    case InputAction.UNSPECIFIED:
      break;
  }
  return `  ? input answered ${by}`;
}

function renderRunFinished({ result }: RunFinished, paint: Paint): string {
  if (result === undefined) return `${paint.bold('finished')}\n`;
  const { statistics } = result;
  const used = statistics === undefined ? '' : `${paint.dim(formatStatistics(statistics))}\n`;
  return `${renderEnding(result, paint)}${used}`;
}

/** How a run ended, in one line. */
export function renderEnding(result: RunResult, paint: Paint): string {
  const { reason, budget, cancelledBy, error } = result;
  const why = error === undefined ? '' : `: ${error.code}: ${toLine(error.message, 400)}`;
  switch (reason) {
    case RunEndReason.COMPLETED:
      return `${paint.green(paint.bold('completed'))}\n`;
    case RunEndReason.BUDGET_EXCEEDED:
      return `${paint.red(paint.bold('budget exceeded'))}: ${budgetName(budget)}\n`;
    case RunEndReason.DENIED:
      return `${paint.red(paint.bold('denied'))}${why}\n`;
    case RunEndReason.CANCELLED:
      return `${paint.yellow(paint.bold('cancelled'))} by ${toLine(cancelledBy, 128)}\n`;
    case RunEndReason.DEADLINE:
      return `${paint.red(paint.bold('out of time'))}\n`;
    case RunEndReason.FAILED:
      return `${paint.red(paint.bold('failed'))}${why}\n`;
    case RunEndReason.UNSPECIFIED:
      break;
  }
  return `${paint.bold('finished')}\n`;
}

function remind(call: ToolRequested | undefined): string | undefined {
  return call === undefined ? undefined : toLine(call.argumentsJson, reminderLengthMax);
}

function indent(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

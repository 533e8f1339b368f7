import type {
  ApprovalGate,
  ApprovalRequested,
  ApprovalResolved,
  ApprovalVote,
  RunEvent,
  ValueOrigin,
} from '@modelhost/contracts';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { renderArguments } from './arguments-text.ts';
import type { Paint } from './paint.ts';
import { toLine } from './printable.ts';
import { formatClock } from './times.ts';

const margin = '      ';

/** What people are asked, and what they say. */
export type ApprovalEvent = Extract<
  RunEvent['event'],
  { case: 'approvalRequested' | 'approvalVote' | 'approvalResolved' }
>;

/** Lines for a terminal. `time` is when the host made the event. */
export function renderApproval(
  event: ApprovalEvent,
  paint: Paint,
  time: Timestamp | undefined,
): string {
  switch (event.case) {
    case 'approvalRequested':
      return renderRequested(event.value, paint, time);
    case 'approvalVote':
      return renderVote(event.value, paint);
    case 'approvalResolved':
      return renderResolved(event.value, paint);
  }
}

/** Everything that a person needs who says yes or no: the call, where its values come from, who has to say yes, and by when. */
function renderRequested(
  requested: ApprovalRequested,
  paint: Paint,
  time: Timestamp | undefined,
): string {
  const { approvalId, tool, argumentsJson, approvers, gates, origins } = requested;
  const by = approvers.length === 0 ? '' : ` by ${toLine(approvers.join(' or '), 120)}`;
  // Never shortened: a person answers for exactly these.
  const values = renderArguments(argumentsJson, margin);
  return [
    `  ${paint.yellow('? approval')} ${approvalId} wanted${by} for ${toLine(tool, 64)} with exactly\n`,
    values,
    ...origins.map((origin) => renderOrigin(origin, paint)),
    ...[...describeGates(gates), ...describeDeadline(requested, time)].map(
      (line) => `${margin}${paint.dim(line)}\n`,
    ),
  ].join('');
}

function describeGates(gates: readonly ApprovalGate[]): readonly string[] {
  const lines = gates.map(describeGate);
  if (lines.length < 2) return lines;
  return ['all of these are needed:', ...lines.map((line) => `  ${line}`)];
}

function describeDeadline(
  { expireTime }: ApprovalRequested,
  time: Timestamp | undefined,
): readonly string[] {
  if (expireTime === undefined) return [];
  const asked = time === undefined ? undefined : timestampDate(time);
  return [`until ${formatClock(expireTime, asked)}; then the answer is no`];
}

function renderVote(vote: ApprovalVote, paint: Paint): string {
  const { approvalId, approvedBy, votesMissing } = vote;
  return `  ${paint.green('✓ one yes')} for ${approvalId} by ${toLine(approvedBy, 128)}, ${votesMissing} more needed\n`;
}

function renderResolved(resolved: ApprovalResolved, paint: Paint): string {
  const { approvalId, approved, resolvedBy, comment } = resolved;
  const mark = approved ? paint.green('✓ approved') : paint.red('✗ refused');
  const note = comment === '' ? '' : `: ${toLine(comment, 240)}`;
  return `  ${mark} ${approvalId} by ${toLine(resolvedBy, 128)}${note}\n`;
}

function describeGate(gate: ApprovalGate): string {
  const self = gate.selfApprovalAllowed ? 'who asked counts too' : 'who asked does not count';
  return `needs ${describeYes(gate)}; ${self}`;
}

/** How many have to say yes at a gate, and who they are. */
export function describeYes({ approvers, quorum }: ApprovalGate): string {
  const who = approvers.length === 0 ? 'anybody of the tenant' : approvers.join(' or ');
  return `${quorum === 1 ? 'a yes' : `${quorum} yeses of different people`} from ${toLine(who, 120)}`;
}

function renderOrigin({ path, origin, sources }: ValueOrigin, paint: Paint): string {
  const where = sources.filter((source) => source !== 'prompt');
  const at = where.length === 0 ? '' : ` (${toLine(where.join(', '), 120)})`;
  const words = originWords[origin] ?? toLine(origin, 40);
  // Where the arguments cannot be looked into, there is one origin for all of them.
  const name = path === '' ? 'the arguments as a whole' : toLine(path, 120);
  const text = `${name}: ${words}${at}`;
  return `${margin}${doubtful.has(origin) ? paint.yellow(`! ${text}`) : paint.dim(`  ${text}`)}\n`;
}

const doubtful: ReadonlySet<string> = new Set(['untrusted', 'model']);

// A newer host may know more.
const originWords: Readonly<Record<string, string>> = {
  prompt: 'the user wrote it',
  trusted: 'stands in trusted data',
  reference: 'belongs to what the user named',
  untrusted: 'only a third party wrote it',
  model: 'nobody wrote it, the model made it up',
};

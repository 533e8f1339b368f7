import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { DecisionEffect, ListDecisionsResponseSchema } from '@modelhost/contracts';
import type { ListDecisionsResponse, LoggedDecision } from '@modelhost/contracts';
import { confirm } from '../confirm.ts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { formatMoment, toSinceMs } from '../policy/since.ts';
import type { Since } from '../policy/since.ts';
import { effectNames } from '../text/effect-names.ts';
import { describeNextPage } from '../text/next-page.ts';
import type { ListFlagValues } from '../text/next-page.ts';
import type { PageFlags } from '../text/next-page.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import { toLine } from '../text/printable.ts';

/** What `policy decisions list` is told. */
export interface DecisionsFlags extends ConnectionFlags, JsonFlag, PageFlags {
  readonly since?: Since;
  readonly effect?: 'allow' | 'hold' | 'deny';
  readonly action?: string;
  readonly resource?: string;
  readonly rule?: string;
}

/** What `policy decisions erase` is told. */
export interface EraseFlags extends ConnectionFlags {
  readonly subject: string;
  readonly yes?: boolean;
}

/** One page of the log. */
export async function listDecisions(context: CliContext, flags: DecisionsFlags): Promise<void> {
  const { since, effect, action, resource, rule, limit, page } = flags;
  // A span counts from now, and all pages belong to this moment.
  const sinceMs = since && toSinceMs(since, context.now());
  await withClient(context, flags, async (client) => {
    const answer = await client.listDecisions({
      ...(sinceMs === undefined ? {} : { since: timestampFromMs(sinceMs) }),
      ...(effect === undefined ? {} : { effect: effects[effect] }),
      ...(action === undefined ? {} : { action }),
      ...(resource === undefined ? {} : { resource }),
      ...(rule === undefined ? {} : { rule }),
      ...(limit === undefined ? {} : { pageSize: limit }),
      ...(page === undefined ? {} : { pageToken: page }),
    });
    if (flags.json === true) {
      context.print(`${toJsonText(ListDecisionsResponseSchema, answer, 2)}\n`);
    } else {
      const from = sinceMs === undefined ? undefined : new Date(sinceMs).toISOString();
      const given = { since: from, effect, action, resource, rule, limit };
      showPage(context, given, answer);
    }
  });
}

/** Removes what is on record about a person, once somebody said yes. */
export async function eraseDecisions(context: CliContext, flags: EraseFlags): Promise<void> {
  const { subject } = flags;
  await confirm(context, {
    yes: flags.yes,
    question: `Erase every decision about ${toLine(subject, 128)} for good?`,
    unasked: ['nobody can be asked here, and what is erased does not come back', 'give --yes'],
    refusal: 'nothing is erased',
  });
  await withClient(context, flags, async (client) => {
    const erased = await client.eraseDecisions(subject);
    context.say(`${erased} ${erased === 1n ? 'decision' : 'decisions'} about ${subject} erased`);
  });
}

function showPage(
  { print, say }: CliContext,
  given: ListFlagValues,
  { decisions, nextPageToken }: ListDecisionsResponse,
): void {
  if (decisions.length === 0) say('no decisions');
  else {
    const heading = ['DECISION', 'TIME', 'EFFECT', 'WHAT', 'BY', 'RULES'];
    print(toTable(heading, decisions.map(toRow)));
  }
  if (nextPageToken !== '') {
    say(describeNextPage('policy decisions list', given, nextPageToken));
  }
}

function toRow(logged: LoggedDecision): readonly string[] {
  const { decisionId, time, subject, agent, decision, shadowBundle, shadowEffect } = logged;
  const { action = '', resource = '', effect = 0, reasons = [] } = decision ?? {};
  const shadow =
    shadowBundle === ''
      ? ''
      : ` (${effectNames[shadowEffect] ?? 'unknown'} by ${toLine(shadowBundle, 64)})`;
  return [
    decisionId,
    formatMoment(time),
    `${effectNames[effect] ?? 'unknown'}${shadow}`,
    toLine(`${action} ${resource}`, 80),
    toLine(agent === '' ? subject : `${subject} by ${agent}`, 60),
    toLine(reasons.map(({ rule }) => rule).join(' '), 120),
  ];
}

const effects = {
  allow: DecisionEffect.ALLOW,
  hold: DecisionEffect.HOLD,
  deny: DecisionEffect.DENY,
} as const;

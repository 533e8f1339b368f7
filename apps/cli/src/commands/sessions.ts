import {
  ListSessionsResponseSchema,
  RunEndReason,
  Role,
  SessionSchema,
} from '@modelhost/contracts';
import type { Message, Session, Turn } from '@modelhost/contracts';
import type { ModelHostClient } from '@modelhost/sdk';
import { splitAssignments } from '../assignments.ts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { describeNextPage } from '../text/next-page.ts';
import type { PageFlags } from '../text/next-page.ts';
import { toJsonText, toTable } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';
import type { Paint } from '../text/paint.ts';
import { toLine, toPrintable } from '../text/printable.ts';
import { count } from '../text/quantities.ts';
import { formatTime } from '../text/times.ts';

/** What makes a session, and a branch of one. */
export interface CreateSessionFlags extends ConnectionFlags, JsonFlag {
  readonly title?: string;
  readonly metadata?: readonly string[];
  readonly requestId?: string;
}

/** What `sessions branch` is told. */
export interface BranchFlags extends CreateSessionFlags {
  readonly turn?: number;
}

/** What `sessions list` is told. */
export interface ListSessionsFlags extends ConnectionFlags, JsonFlag, PageFlags {
  readonly all?: boolean;
}

/** Prints the id alone, so that a script can use it. */
export async function createSession(context: CliContext, flags: CreateSessionFlags): Promise<void> {
  await withClient(context, flags, async (client) => {
    showCreated(context, flags, await client.createSession(toInit(flags)));
  });
}

/** Prints the id of the branch alone. */
export async function branchSession(
  context: CliContext,
  flags: BranchFlags,
  sessionId: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const branch = { ...toInit(flags), sessionId, turn: flags.turn ?? 0 };
    showCreated(context, flags, await client.branchSession(branch));
  });
}

function toInit({ title = '', metadata = [], requestId = '' }: CreateSessionFlags) {
  return { title, metadata: splitAssignments(metadata), requestId };
}

function showCreated(
  { print, say }: CliContext,
  { json }: JsonFlag,
  answer: { readonly session?: Session | undefined; readonly created: boolean },
): void {
  const { session, created } = answer;
  if (session === undefined) return;
  if (!created) say('it was created before with this request id');
  print(json === true ? `${toJsonText(SessionSchema, session, 2)}\n` : `${session.sessionId}\n`);
}

/** One page of sessions. */
export async function listSessions(context: CliContext, flags: ListSessionsFlags): Promise<void> {
  await withClient(context, flags, async (client) => {
    const page = await client.listSessions({
      ...(flags.limit === undefined ? {} : { pageSize: flags.limit }),
      ...(flags.page === undefined ? {} : { pageToken: flags.page }),
      ...(flags.all === undefined ? {} : { allSubjects: flags.all }),
    });
    const { print, say } = context;
    if (flags.json === true) {
      return print(`${toJsonText(ListSessionsResponseSchema, page, 2)}\n`);
    }
    if (page.sessions.length === 0) say('no sessions');
    else {
      const rows = page.sessions.map((session) => [
        session.sessionId,
        String(session.turnCount),
        toLine(session.subject, 40),
        formatTime(session.updateTime),
        toLine(session.title, 60),
      ]);
      print(toTable(['SESSION', 'TURNS', 'BY', 'UPDATED', 'TITLE'], rows));
    }
    if (page.nextPageToken !== '') {
      const { limit, all } = flags;
      const given = { limit, all: all === true ? all : undefined };
      say(describeNextPage('sessions list', given, page.nextPageToken));
    }
  });
}

/** Everything that was said in a session; as JSON what is known of it, without its turns. */
export async function showSession(
  context: CliContext,
  flags: ConnectionFlags & JsonFlag,
  sessionId: string,
): Promise<void> {
  const { print, paint } = context;
  await withClient(context, flags, async (client) => {
    const session = await client.getSession(sessionId);
    if (flags.json === true) return print(`${toJsonText(SessionSchema, session, 2)}\n`);
    print(describeSession(session, paint));
    for await (const turn of turnsOf(client, sessionId)) print(describeTurn(turn, paint));
  });
}

async function* turnsOf(client: ModelHostClient, sessionId: string): AsyncGenerator<Turn, void> {
  let pageToken = '';
  do {
    const page = await client.listTurns(sessionId, { pageToken });
    yield* page.turns;
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
}

function describeSession(session: Session, paint: Paint): string {
  const { sessionId, title, subject, runId, branchedFrom, branchedAtTurn, metadata } = session;
  return [
    `${paint.bold(sessionId)}${title === '' ? '' : `  ${toLine(title, 256)}`}\n`,
    `by       ${toLine(subject, 128)}\n`,
    `created  ${formatTime(session.createTime)}\n`,
    `updated  ${formatTime(session.updateTime)}\n`,
    ...(branchedFrom === '' ? [] : [`branch   of ${branchedFrom} after turn ${branchedAtTurn}\n`]),
    ...Object.entries(metadata).map(
      ([key, value]) => `label    ${toLine(`${key}=${value}`, 200)}\n`,
    ),
    ...(runId === '' ? [] : [`run      ${runId} goes on with it\n`]),
  ].join('');
}

function describeTurn(turn: Turn, paint: Paint): string {
  const { number, runId, reason, messages } = turn;
  const ending = reason === RunEndReason.COMPLETED ? '' : `  ${paint.yellow('not completed')}`;
  const heading = `\n${paint.bold(`turn ${number}`)}  ${paint.dim(runId)}${ending}\n`;
  return `${heading}${messages.map((message) => describeMessage(message, paint)).join('')}`;
}

const callLengthMax = 160;

function describeMessage({ role, content, toolCalls }: Message, paint: Paint): string {
  const text = content
    .map(({ part }) => (part.case === 'text' ? part.value.text : `(${part.case ?? 'unknown'})`))
    .join('\n');
  const calls = toolCalls.map(
    ({ name, argumentsJson }) =>
      `  ${paint.cyan('→')} ${toLine(name, 64)} ${paint.dim(toLine(argumentsJson, callLengthMax))}\n`,
  );
  switch (role) {
    case Role.USER:
      return `${paint.cyan('you')}  ${toPrintable(text)}\n`;
    case Role.TOOL:
      return `  ${paint.dim(`← ${toLine(text, callLengthMax)}`)}\n`;
    case Role.ASSISTANT:
    case Role.SYSTEM:
    case Role.UNSPECIFIED:
      break;
  }
  return `${text === '' ? '' : `${toPrintable(text)}\n`}${calls.join('')}`;
}

/** One JSON document, as it comes. */
export async function exportSession(
  context: CliContext,
  flags: ConnectionFlags,
  sessionId: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    // A piece may end within a character.
    const decoder = new TextDecoder();
    for await (const chunk of client.exportSession(sessionId)) {
      context.print(decoder.decode(chunk, { stream: true }));
    }
    context.print(decoder.decode());
  });
}

/** Says how much is gone. */
export async function deleteSession(
  context: CliContext,
  flags: ConnectionFlags,
  sessionId: string,
): Promise<void> {
  await withClient(context, flags, async (client) => {
    const turns = await client.deleteSession(sessionId);
    context.say(`${sessionId} is deleted, with ${count(turns, 'turn')}`);
  });
}

import { InputAction } from '@modelhost/contracts';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';

/** What `runs approve` and `runs deny` are told. */
export interface AnswerFlags extends ConnectionFlags {
  readonly comment?: string;
}

/** What `runs answer` is told. */
export interface InputFlags extends ConnectionFlags {
  readonly accept?: boolean;
  readonly decline?: boolean;
  readonly cancel?: boolean;
  readonly content?: string;
}

/** Says yes to one approval. */
export async function approve(
  context: CliContext,
  flags: AnswerFlags,
  runId: string,
  approvalId: string,
): Promise<void> {
  await answer(context, flags, { runId, approvalId, approved: true });
}

/** Says no to one approval. */
export async function deny(
  context: CliContext,
  flags: AnswerFlags,
  runId: string,
  approvalId: string,
): Promise<void> {
  await answer(context, flags, { runId, approvalId, approved: false });
}

async function answer(
  context: CliContext,
  flags: AnswerFlags,
  given: { readonly runId: string; readonly approvalId: string; readonly approved: boolean },
): Promise<void> {
  const { comment } = flags;
  await withClient(context, flags, async (client) => {
    await client.resolveApproval({ ...given, ...(comment === undefined ? {} : { comment }) });
    context.say(`${given.approvalId}: your ${given.approved ? 'yes' : 'no'} is on record`);
  });
}

/** Answers what a tool server asks of a person. */
export async function answerInput(
  context: CliContext,
  flags: InputFlags,
  runId: string,
  inputId: string,
): Promise<void> {
  const { accept, decline, cancel, content } = flags;
  const chosen = [
    ...(accept === true ? [{ action: InputAction.ACCEPT, word: 'given' }] : []),
    ...(decline === true ? [{ action: InputAction.DECLINE, word: 'declined' }] : []),
    ...(cancel === true ? [{ action: InputAction.CANCEL, word: 'cancelled' }] : []),
  ];
  const [only] = chosen;
  if (only === undefined || chosen.length > 1) {
    throw new CommandError(
      exitCodes.usage,
      'an input is answered by one of --accept, --decline and --cancel',
    );
  }
  await withClient(context, flags, async (client) => {
    const contentJson = content ?? '';
    await client.submitInput({ runId, inputId, action: only.action, contentJson });
    context.say(`${inputId} ${only.word}`);
  });
}

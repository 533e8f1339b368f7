import type { CliContext } from './context.ts';
import { CommandError, exitCodes } from './failure.ts';

/** What a person is asked before something happens that does not come back. */
export interface Confirmation {
  /** `--yes` was given. */
  readonly yes: boolean | undefined;
  readonly question: string;
  /** Why nothing happens where nobody can be asked, and what to do there. */
  readonly unasked: readonly [message: string, remedy: string];
  /** What a no comes to. */
  readonly refusal: string;
}

/** Returns once somebody said yes; throws otherwise. */
export async function confirm({ ask }: CliContext, confirmation: Confirmation): Promise<void> {
  const { yes, question, unasked, refusal } = confirmation;
  if (yes === true) return;
  if (ask === undefined) throw new CommandError(exitCodes.usage, ...unasked);
  if (isYes(await ask(`${question} [y/N] `, new AbortController().signal))) return;
  throw new CommandError(exitCodes.failure, refusal);
}

/** Whether what a person typed is a clear yes. */
export function isYes(line: string): boolean {
  return /^\s*(?:y|yes)\s*$/i.test(line);
}

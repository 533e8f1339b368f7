import type { RunEvent } from '@modelhost/contracts';

/** What hints need of the run that is shown. */
export interface AnswerHintsOptions {
  readonly runId: string;
  readonly say: (text: string) => void;
  /** The newest event that there is. */
  readonly readLastSequence: () => Promise<bigint>;
}

/**
 * Says how to answer what a run asks for. Of what was asked before the run was looked at it waits for the events that there are
 * already: most of it was answered long ago.
 */
export function createAnswerHints(options: AnswerHintsOptions): (event: RunEvent) => Promise<void> {
  const { runId, say, readLastSequence } = options;
  /** By what is asked; bounded as what a run waits for is. */
  const open = new Map<string, string>();
  let lastSequence: bigint | undefined;

  return async ({ sequence, event }) => {
    if (event.case === 'approvalRequested') {
      const { approvalId } = event.value;
      open.set(approvalId, `next: \`model-host runs approve ${runId} ${approvalId}\` or \`deny\``);
    }
    if (event.case === 'inputRequested') {
      const { inputId } = event.value;
      open.set(
        inputId,
        `next: \`model-host runs answer ${runId} ${inputId} --accept --content JSON\`, or \`--decline\``,
      );
    }
    if (event.case === 'approvalResolved') open.delete(event.value.approvalId);
    if (event.case === 'inputResolved') open.delete(event.value.inputId);
    if (event.case === 'runFinished') open.clear();
    if (open.size === 0) return;
    // Without an answer a hint too many is better than none.
    lastSequence ??= await readLastSequence().catch(() => 0n);
    if (sequence < lastSequence) return;
    for (const hint of open.values()) say(hint);
    open.clear();
  };
}

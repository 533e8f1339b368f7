import type { Clock, Redactor, TextRedaction } from '@modelhost/kernel';
import type { ToolServerLogEntry } from '@modelhost/mcp-gateway';

/** What the log of tool servers needs. */
export interface ServerLogOptions {
  readonly redactor: Redactor;
  readonly clock: Pick<Clock, 'setTimer'>;
  readonly write: (entry: ToolServerLogEntry) => void;
}

/** So long a line may wait for the next one, with which it may make a value. */
const waitMs = 1_000;

interface Output {
  readonly redaction: TextRedaction;
  /** Shown, and without its end yet. */
  rest: string;
  stopTimer: () => void;
}

/**
 * What tool servers write, as the log may show it. A value may go over many lines, as a private key does, so each output of a server
 * is looked at as one text; what a pause of a second leaves open is taken for all there is.
 */
export function createServerLog(options: ServerLogOptions): (entry: ToolServerLogEntry) => void {
  const { redactor, clock, write } = options;
  const session = redactor.open({ tenant: '', sessionId: 'tool-servers' });
  // As many as servers are configured, with three sources each.
  const outputs = new Map<string, Output>();

  function show({ server, source }: ToolServerLogEntry, output: Output, text: string): void {
    const lines = (output.rest + text).split('\n');
    output.rest = lines.pop() ?? '';
    for (const message of lines) write({ server, source, message });
  }

  function finish(entry: ToolServerLogEntry, key: string, output: Output): void {
    outputs.delete(key);
    const text = output.redaction.end();
    const left = output.rest + text;
    // A value at the end has taken the end of the line with it.
    show(entry, output, left === '' || left.endsWith('\n') ? text : `${text}\n`);
  }

  return (entry) => {
    const key = `${entry.source} ${entry.server}`;
    const output = outputs.get(key) ?? open(session.step().stream({}));
    outputs.set(key, output);
    output.stopTimer();
    show(entry, output, output.redaction.push(`${entry.message}\n`));
    output.stopTimer = clock.setTimer(waitMs, () => finish(entry, key, output));
  };
}

function open(redaction: TextRedaction): Output {
  return { redaction, rest: '', stopTimer: () => {} };
}

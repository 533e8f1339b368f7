import type { Readable, Writable } from 'node:stream';
import type { CommandContext } from '@stricli/core';
import type { HostProcess } from '@modelhost/host';
import type { ExitCode } from './failure.ts';
import type { Paint } from './text/paint.ts';

/** Everything of the process that a command may use. */
export interface CliContext extends CommandContext {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly paint: Paint;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Data, and nothing else. */
  readonly print: (text: string) => void;
  /** Messages for people. */
  readonly say: (text: string) => void;
  /** Asks a person; undefined where nobody can be asked. Rejects when the signal aborts. */
  readonly ask: Ask | undefined;
  /**
   * Calls the listener on SIGINT, SIGTERM and SIGHUP, until the returned function is called; the second signal ends the
   * process, unless it is SIGHUP.
   */
  readonly onInterrupt: (listener: () => void) => () => void;
  /** Program and first arguments of another process of this command. */
  readonly program: readonly [string, ...string[]];
  /** The process, for the host that runs in it. */
  readonly hostProcess: HostProcess;
  /** For a protocol that is spoken over stdin and stdout. */
  readonly streams: { readonly input: Readable; readonly output: Writable };
  /** What the process exits with when the command returns; 0 without it. */
  readonly exitWith: (exitCode: ExitCode) => void;
}

/** Shows a question and gives the line that a person types; empty at the end of the input. */
export type Ask = (question: string, signal: AbortSignal) => Promise<string>;

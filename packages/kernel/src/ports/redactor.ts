import type { Json, JsonObject } from '../json.ts';
import type { RedactionStyle } from '../obligations.ts';

/** What is looked for, by the name of its detector, and how it is hidden. */
export type RedactionStyles = Readonly<Record<string, RedactionStyle>>;

/** How often each detector found something: never what it found. */
export type RedactionCounts = Readonly<Record<string, number>>;

/** One text that comes in pieces. However it is cut, what comes out makes the same text (law L4). */
export interface TextRedaction {
  /** What can be given out now; the rest is held back, within a bound. */
  push(text: string): string;
  /** The rest. */
  end(): string;
  /** Instead of `end` when the text was broken off: what may be the beginning of a value is left out. */
  abort(): string;
}

/** What one step hides; what is hidden always is hidden in each of its texts, too. */
export interface StepRedactor {
  /** Whether anything is: if not, texts need not even be handed over. */
  hides(styles: RedactionStyles): boolean;
  redact(text: string, styles: RedactionStyles): string;
  /** Strings, keys and numbers of a value, each looked at with the key that it stands under. */
  redactJson(value: Json, styles: RedactionStyles): Json;
  stream(styles: RedactionStyles): TextRedaction;
  /** In all texts of the step so far. */
  found(): RedactionCounts;
  /** The values behind the placeholders that the step gave out so far, sealed: it belongs to its result. Null for none. */
  state(): Json;
}

/** Arguments with their values back, or why they are refused. */
export type RestoredArguments =
  | {
      readonly type: 'restored';
      readonly arguments: JsonObject;
      /** For the record, by placeholder. */
      readonly restored: readonly { readonly path: string; readonly placeholder: string }[];
    }
  /** The placeholder at this path was never issued in this session. */
  | { readonly type: 'refused'; readonly path: string };

/** Redaction within one session, whose placeholders stand for its values alone. */
export interface SessionRedactor {
  step(): StepRedactor;
  /** Takes over what a step of this session gave out, from its result: after a replay nothing else knows it. */
  adopt(state: Json): void;
  /** What looks like a placeholder in text from outside is none: it is written so that nobody takes it for one. */
  escape(text: string): string;
  /** Puts values back, right before an effect, under the paths and of the detectors that policy reveals there. */
  restore(
    values: JsonObject,
    reveal: Readonly<Record<string, readonly string[]>>,
  ): RestoredArguments;
  /** Gives what puts these placeholders back in place of their values, however those are written: for whatever comes back. */
  conceal(placeholders: readonly string[]): (text: string) => string;
}

/** Finds and hides what is sensitive. A detector that does not exist throws `config_invalid`. */
export interface Redactor {
  /** What is hidden everywhere, whatever policy says. */
  readonly always: RedactionStyles;
  /** For what belongs to no session: log lines, errors of the host. */
  redact(text: string): string;
  /** Opens a session, with nothing in it yet. */
  open(session: { readonly tenant: string; readonly sessionId: string }): SessionRedactor;
}

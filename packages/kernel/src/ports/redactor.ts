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
  /** So far. */
  found(): RedactionCounts;
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

/** Redaction within one session, whose placeholders stand for its values alone. Each call hides what is hidden always, too. */
export interface SessionRedactor {
  redact(
    text: string,
    styles: RedactionStyles,
  ): { readonly text: string; readonly found: RedactionCounts };
  /** Strings, keys and numbers of a value, each looked at with the key that it stands under. */
  redactJson(
    value: Json,
    styles: RedactionStyles,
  ): { readonly value: Json; readonly found: RedactionCounts };
  stream(styles: RedactionStyles): TextRedaction;
  /** What looks like a placeholder in text from outside is none: it is written so that nobody takes it for one. */
  escape(text: string): string;
  /** Puts values back, right before an effect, under the paths and of the detectors that policy reveals there. */
  restore(
    values: JsonObject,
    reveal: Readonly<Record<string, readonly string[]>>,
  ): RestoredArguments;
  /** The values behind the placeholders issued so far, sealed: JSON that goes with the session. */
  state(): Json;
}

/** Finds and hides what is sensitive. */
export interface Redactor {
  /** What is hidden everywhere, whatever policy says. */
  readonly always: RedactionStyles;
  /** For what belongs to no session: log lines, errors of the host. */
  redact(text: string): string;
  /** Opens a session again from its state, or a new one. Throws `config_invalid` for a detector that does not exist. */
  open(session: {
    readonly tenant: string;
    readonly sessionId: string;
    readonly state?: Json;
  }): SessionRedactor;
}

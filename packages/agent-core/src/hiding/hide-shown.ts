import type { RedactionStyles, Redactor, SessionRedactor } from '@modelhost/kernel';
import { hideInArguments } from './hide-in-arguments.ts';

/** Hides in whatever a run shows, outside its steps: nothing there could keep a placeholder, so that none is made. */
export interface HideShown {
  readonly text: (text: string) => string;
  /** The text of the arguments of a call. */
  readonly arguments: (text: string) => string;
  /** Hides this, too, from now on. */
  add(styles: RedactionStyles): void;
  /** All that was added, as it was asked for. */
  added(): RedactionStyles;
}

/** Begins with what is hidden always. */
export function createHideShown(redactor: Redactor, session: SessionRedactor): HideShown {
  let styles = withTokens(redactor.always);
  let added: RedactionStyles = {};
  let isMore = false;

  return {
    text: (text) => {
      const hidden = redactor.redact(text);
      return isMore ? session.step().redact(hidden, styles) : hidden;
    },
    arguments: (text) => redactor.redact(hideInArguments(text, session.step(), styles)),
    add: (more) => {
      added = { ...more, ...added };
      const names = Object.keys(more);
      if (names.every((name) => Object.hasOwn(styles, name))) return;
      styles = { ...withTokens(more), ...styles };
      isMore = true;
    },
    added: () => added,
  };
}

function withTokens(styles: RedactionStyles): RedactionStyles {
  return Object.fromEntries(
    Object.entries(styles).map(([name, style]) => [
      name,
      style === 'placeholder' ? 'token' : style,
    ]),
  );
}

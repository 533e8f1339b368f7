import { inspect } from 'node:util';

/** A value that must not be printed: JSON, string and inspection show `[secret]`. */
export interface Secret {
  /** The value itself, for the one place that needs it. */
  reveal(): string;
  toJSON(): string;
  toString(): string;
}

const shown = '[secret]';

/** Wraps a value, so that no log line or dump can show it by accident. */
export function createSecret(value: string): Secret {
  return Object.freeze({
    reveal: () => value,
    toJSON: () => shown,
    toString: () => shown,
    [inspect.custom]: () => shown,
  });
}

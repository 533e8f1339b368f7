import { HostError } from '@modelhost/kernel';
import type { FieldViolation } from '@modelhost/kernel';

/** Collects what is wrong with the fields of a request, so that the caller learns of all of it at once. */
export interface FieldReader {
  readonly violations: readonly FieldViolation[];
  refuse(field: string, description: string): void;
  /** Refuses a text whose length in characters is out of bounds; gives it back. */
  text(
    field: string,
    value: string,
    bounds: { readonly min: number; readonly max: number },
  ): string;
  /** Refuses a text of more bytes of UTF-8. */
  bytes(field: string, value: string, max: number): string;
  /** Refuses a list that is out of bounds; gives at most `max` items back. */
  list<Item>(
    field: string,
    items: readonly Item[],
    bounds: { readonly min: number; readonly max: number },
  ): readonly Item[];
  /** Refuses a number out of bounds; undefined stays undefined. */
  number(
    field: string,
    value: number | bigint | undefined,
    bounds: NumberBounds,
  ): number | undefined;
}

/** Inclusive bounds of a number. */
export interface NumberBounds {
  readonly min: number;
  readonly max: number;
  /** Such as `tokens`. */
  readonly unit?: string;
}

/** Violations that are reported for one request; the rest is not even looked for. */
const violationsMax = 32;

/** Starts with nothing wrong. */
export function createFieldReader(): FieldReader {
  const violations: FieldViolation[] = [];

  function refuse(field: string, description: string): void {
    if (violations.length < violationsMax) violations.push({ field, description });
  }

  return {
    violations,
    refuse,
    text: (field, value, { min, max }) => {
      if (value.length < min || value.length > max) {
        refuse(
          field,
          min === 0
            ? `must have at most ${max} characters`
            : `must have ${min} to ${max} characters`,
        );
      }
      return value;
    },
    bytes: (field, value, max) => {
      if (Buffer.byteLength(value) > max) refuse(field, `must have at most ${max} bytes`);
      return value;
    },
    list: (field, items, { min, max }) => {
      if (items.length < min || items.length > max) {
        refuse(
          field,
          min === 0 ? `must have at most ${max} items` : `must have ${min} to ${max} items`,
        );
      }
      return items.slice(0, max);
    },
    number: (field, value, { min, max, unit = '' }) => {
      if (value === undefined) return undefined;
      const isFine = value >= min && value <= max && !Number.isNaN(value);
      if (!isFine) refuse(field, `must be ${min} to ${max}${unit === '' ? '' : ` ${unit}`}`);
      return isFine ? Number(value) : undefined;
    },
  };
}

/** Throws `validation_failed` with everything that the reader refused. */
export function refuseIfAny({ violations }: FieldReader): void {
  const [first] = violations;
  if (first === undefined) return;
  throw new HostError('validation_failed', `${first.field}: ${first.description}`, {
    violations,
    facts: { field: first.field },
  });
}

import type { ErrorObject } from 'ajv/dist/2020.js';
import type { FieldViolation, Json } from '@modelhost/kernel';
import { formatPath, readPointer } from './field-path.ts';
import type { PathToken } from './field-path.ts';

const violationsMax = 16;
const descriptionLengthMax = 300;

/** What Ajv found, as at most 16 violations in the order of the schema; none tells a value. */
export function toViolations(
  errors: readonly ErrorObject[],
  value: Json,
): readonly FieldViolation[] {
  const violations = new Map<string, FieldViolation>();
  for (const error of errors) {
    const violation = toViolation(error, value);
    violations.set(`${violation.field} ${violation.description}`, violation);
    if (violations.size === violationsMax) break;
  }
  return [...violations.values()];
}

function toViolation(error: ErrorObject, value: Json): FieldViolation {
  const path = toPath(error.instancePath, value);
  const member = readMember(error);
  const field = formatPath(member === undefined ? path : [...path, member]);
  return { field, description: describe(error).slice(0, descriptionLengthMax) };
}

/** The member that the error is about, where it is one that the value lacks or should not have. */
function readMember(error: ErrorObject): string | undefined {
  // Ajv's type of `params` is a record of any; only text is taken from it.
  const params = error.params as Readonly<Record<string, unknown>>;
  const member =
    error.propertyName ??
    params['missingProperty'] ??
    params['additionalProperty'] ??
    params['unevaluatedProperty'] ??
    params['propertyName'];
  return typeof member === 'string' ? member : undefined;
}

function describe(error: ErrorObject): string {
  switch (error.keyword) {
    case 'required':
      return 'is required';
    case 'additionalProperties':
    case 'unevaluatedProperties':
    case 'false schema':
      return 'is not allowed here';
    case 'propertyNames':
      return 'is not an allowed name';
    default:
      return error.message ?? 'does not fit the schema';
  }
}

/** The path of a pointer into `value`, which tells indexes from keys that look like them. */
function toPath(pointer: string, value: Json): readonly PathToken[] {
  const path: PathToken[] = [];
  let at: Json | undefined = value;
  for (const token of readPointer(pointer)) {
    const isIndex = Array.isArray(at);
    path.push(isIndex ? Number(token) : token);
    // Indexing an array by its index and an object by its key; anything else ends the walk.
    at =
      typeof at === 'object' && at !== null
        ? (at as Readonly<Record<string, Json | undefined>>)[token]
        : undefined;
  }
  return path;
}

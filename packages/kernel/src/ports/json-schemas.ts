import type { FieldViolation } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';

/** Checks values against one schema; empty when the value fits. The descriptions never quote a value. */
export type SchemaCheck = (value: Json) => readonly FieldViolation[];

/** JSON Schema 2020-12, as a port. */
export interface JsonSchemas {
  /** Compiles once per schema text. Throws `validation_failed` for a schema that is invalid, too large, too deep or has a remote `$ref`. */
  compile(schema: JsonObject): SchemaCheck;
}

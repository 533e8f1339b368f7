import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import { canonicalJson, HostError } from '@modelhost/kernel';
import type { Json, JsonObject, JsonSchemas, SchemaCheck } from '@modelhost/kernel';
import { describeExcess, schemaBounds, valueBounds } from './bounds.ts';
import { ownKeywords } from './keywords.ts';
import { createPatternTest } from './pattern.ts';
import { PatternUnsupported } from './pattern-syntax.ts';
import { prepareSchema, schemaRefused } from './prepare-schema.ts';
import { toViolations } from './violations.ts';
import { createWork, WorkExceeded } from './work.ts';
import type { Work } from './work.ts';

const compiledMax = 500;
const workUnitsMax = 4_000_000;

/**
 * JSON Schema draft 2020-12 (what draft 06, 07 and 2019-09 say differently is translated). It keeps the 500 schemas
 * used last; `format` is an annotation; the work of one check is bounded whatever schema and value are.
 */
export function createJsonSchemas(): JsonSchemas {
  const compiled = new Map<string, SchemaCheck>();
  const work = createWork(workUnitsMax);
  const meta = new Ajv2020({ strict: false, validateFormats: false, logger: false });

  function compile(schema: JsonObject): SchemaCheck {
    const text = readSchemaText(schema);
    const check = compiled.get(text) ?? createCheck(schema, meta, work);
    // A map keeps the order of insertion: what was used last goes last.
    compiled.delete(text);
    compiled.set(text, check);
    const oldest = compiled.keys().next().value;
    if (compiled.size > compiledMax && oldest !== undefined) compiled.delete(oldest);
    return check;
  }

  return { compile };
}

function readSchemaText(schema: JsonObject): string {
  const { bytesMax, depthMax } = schemaBounds;
  const bounds = { textMax: bytesMax, depthMax, nodesMax: bytesMax };
  const excess = describeExcess(schema, bounds);
  if (excess !== undefined) throw schemaRefused([{ field: '$', description: excess }]);
  const text = canonicalJson(schema);
  if (Buffer.byteLength(text) > bytesMax) {
    const description = `has more than ${bytesMax} bytes`;
    throw schemaRefused([{ field: '$', description }]);
  }
  return text;
}

function createCheck(schema: JsonObject, meta: Ajv2020, work: Work): SchemaCheck {
  const prepared = prepareSchema(schema);
  if (meta.validateSchema(prepared) !== true) {
    throw schemaRefused(toViolations(meta.errors ?? [], prepared));
  }
  const validate = compileValidator(prepared, work);
  return (value) => {
    const excess = describeExcess(value, valueBounds);
    if (excess !== undefined) return [{ field: '$', description: excess }];
    work.reset();
    try {
      return validate(value) ? [] : toViolations(validate.errors ?? [], value);
    } catch (cause) {
      // RangeError is an exhausted stack: the other way in which a schema asks for more than is allowed.
      if (!(cause instanceof WorkExceeded || cause instanceof RangeError)) throw cause;
      return [{ field: '$', description: 'takes more work to check than is allowed' }];
    } finally {
      validate.errors = null;
    }
  };
}

/** Each schema has an Ajv of its own, since an instance never forgets what it compiled. */
function compileValidator(prepared: JsonObject, work: Work): ValidateFunction<Json> {
  const regExp = Object.assign(
    (pattern: string) => ({ test: readPatternTest(pattern, work), toString: () => pattern }),
    // Names the function in generated source, which is never written out.
    { code: 'pattern' },
  );
  const ajv = new Ajv2020({
    strict: false,
    meta: false,
    validateSchema: false,
    validateFormats: false,
    addUsedSchema: false,
    allErrors: true,
    ownProperties: true,
    // Copies of what is referenced could make the generated code grow far beyond the schema.
    inlineRefs: false,
    logger: false,
    code: { regExp, optimize: false },
  });
  for (const definition of ownKeywords(work)) {
    // Takes away the keyword of the same name, if there is one.
    if (typeof definition.keyword === 'string') ajv.removeKeyword(definition.keyword);
    ajv.addKeyword(definition);
  }
  try {
    return ajv.compile<Json>(prepared);
  } catch (cause) {
    if (cause instanceof HostError) throw cause;
    throw new HostError('validation_failed', 'schema: cannot be compiled', { cause });
  }
}

function readPatternTest(pattern: string, work: Work): (text: string) => boolean {
  try {
    return createPatternTest(pattern, work);
  } catch (cause) {
    if (!(cause instanceof PatternUnsupported || cause instanceof SyntaxError)) throw cause;
    const reason = cause instanceof PatternUnsupported ? cause.message : 'it is no pattern';
    const description = `has the pattern ${JSON.stringify(pattern.slice(0, 100))}: ${reason}`;
    throw schemaRefused([{ field: '$', description }]);
  }
}

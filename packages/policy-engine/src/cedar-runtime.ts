import { createRequire } from 'node:module';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';
import type {
  AuthorizationAnswer,
  CheckParseAnswer,
  PartialAuthorizationAnswer,
  PolicyJson,
  PolicyToJsonAnswer,
  SchemaJson,
  StatefulAuthorizationCall,
  ValidationAnswer,
} from '@cedar-policy/cedar-wasm/nodejs';
import { HostError } from '@modelhost/kernel';
import { createSlots } from './cedar-slots.ts';
import type { SlotBounds } from './cedar-slots.ts';

type Cedar = typeof CedarModule;

/** Rules that are evaluated together. What is prepared for them is found by this very object, or by its content. */
export interface PolicySlice {
  /** What questions are checked against; absent where whoever makes them vouches for their types. */
  readonly schema?: SchemaJson<string>;
  /** By id, as text or as Cedar's own tree. */
  readonly policies: Readonly<Record<string, string | PolicyJson>>;
}

/** The question without the names of prepared parts. */
export type CedarQuestion = Omit<
  StatefulAuthorizationCall,
  'preparsedSchemaName' | 'preparsedPolicySetId' | 'validateRequest'
>;

/** Cedar as this package uses it. Any method may throw; after a trap the next call gets a new instance. */
export interface CedarRuntime {
  parse(policy: string): PolicyToJsonAnswer;
  validate(slice: Required<PolicySlice>): ValidationAnswer;
  evaluate(slice: PolicySlice, question: CedarQuestion): AuthorizationAnswer;
  /** Parts of the context may be unknown. Nothing is prepared, so it takes milliseconds. */
  evaluatePartially(slice: PolicySlice, question: CedarQuestion): PartialAuthorizationAnswer;
}

// Schemas are prepared apart from rules, since all principals share that of an action. Rules take about 4 KB each.
const schemaSlots: SlotBounds = { slotsMax: 128, weightMax: 128 };
const policySlots: SlotBounds = { slotsMax: 4_096, weightMax: 20_000 };

/**
 * Keeps one WebAssembly instance and what is prepared in it. `load` makes a new instance: it is called first when the
 * runtime is used, and again after a trap, since a trapped instance answers nothing any more.
 */
export function createCedarRuntime(load: () => Cedar): CedarRuntime {
  let instance: Cedar | undefined;
  const schemas = createSlots('schema', schemaSlots);
  const policySets = createSlots('rules', policySlots);

  function use<Answer>(call: (cedar: Cedar) => Answer): Answer {
    try {
      instance ??= start(load);
      return call(instance);
    } catch (thrown) {
      if (!isRefusal(thrown)) {
        instance = undefined;
        schemas.clear();
        policySets.clear();
      }
      throw thrown;
    }
  }

  function prepareSchema(cedar: Cedar, schema: SchemaJson<string>): string {
    return schemas.nameOf(schema, 1, {
      prepare: (name) => requireSuccess(cedar.preparseSchema(name, schema)),
      drop: (name) => requireSuccess(cedar.preparseSchema(name, {})),
    });
  }

  function prepareRules(cedar: Cedar, policies: PolicySlice['policies']): string {
    const prepare = (name: string, staticPolicies: Record<string, string | PolicyJson>): void =>
      requireSuccess(cedar.preparsePolicySet(name, { staticPolicies }));
    return policySets.nameOf(policies, Object.keys(policies).length, {
      prepare: (name) => prepare(name, { ...policies }),
      drop: (name) => prepare(name, {}),
    });
  }

  return {
    parse: (policy) => use((cedar) => cedar.policyToJson(policy)),
    validate: ({ schema, policies }) =>
      use((cedar) => cedar.validate({ schema, policies: { staticPolicies: { ...policies } } })),
    evaluate: ({ schema, policies }, question) =>
      use((cedar) => {
        const call = { ...question, preparsedPolicySetId: prepareRules(cedar, policies) };
        if (schema === undefined) return cedar.statefulIsAuthorized(call);
        const preparsedSchemaName = prepareSchema(cedar, schema);
        return cedar.statefulIsAuthorized({ ...call, preparsedSchemaName, validateRequest: true });
      }),
    evaluatePartially: ({ schema, policies }, question) =>
      use((cedar) => {
        const call = { ...question, policies: { staticPolicies: { ...policies } } };
        if (schema === undefined) return cedar.isAuthorizedPartial(call);
        return cedar.isAuthorizedPartial({ ...call, schema });
      }),
  };
}

function requireSuccess({ type }: CheckParseAnswer): void {
  if (type === 'failure') throw new Error('what was validated cannot be prepared');
}

/** Input that the module cannot read is thrown as a plain error; a trap or a full stack leaves it half-way, for good. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'Error';
}

function start(load: () => Cedar): Cedar {
  try {
    return load();
  } catch (cause) {
    throw new HostError('internal', 'the policy engine cannot be started', { cause });
  }
}

/** Loads a new instance of the WebAssembly module, whatever was loaded before. Takes about 0.1 s and 15 MB. */
export function loadCedar(): Cedar {
  // A fresh `require` each time, since one remembers the modules that it loaded.
  const require = createRequire(import.meta.url);
  const path = require.resolve('@cedar-policy/cedar-wasm/nodejs');
  delete require.cache[path];
  // The package declares its types for exactly this path.
  return require(path) as Cedar;
}

/**
 * The one runtime of the process: what is prepared is found by its digest, so engines share it without seeing each
 * other, and a second engine does not cost a second module.
 */
export const sharedCedar: CedarRuntime = createCedarRuntime(loadCedar);

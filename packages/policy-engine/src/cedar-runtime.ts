import { createRequire } from 'node:module';
import type * as CedarModule from '@cedar-policy/cedar-wasm/nodejs';
import type {
  AuthorizationAnswer,
  PolicyToJsonAnswer,
  SchemaJson,
  StatefulAuthorizationCall,
  ValidationAnswer,
} from '@cedar-policy/cedar-wasm/nodejs';
import { HostError, sha256Hex } from '@modelhost/kernel';

type Cedar = typeof CedarModule;

/** Rules and the schema that they are checked and evaluated against. */
export interface PolicySlice {
  readonly schema: SchemaJson<string>;
  readonly policies: Readonly<Record<string, string>>;
}

/** The question without the names of prepared parts. */
export type CedarQuestion = Omit<
  StatefulAuthorizationCall,
  'preparsedSchemaName' | 'preparsedPolicySetId' | 'validateRequest'
>;

/** Cedar as this package uses it. Any method may throw; after a trap the next call gets a new instance. */
export interface CedarRuntime {
  parse(policy: string): PolicyToJsonAnswer;
  validate(slice: PolicySlice): ValidationAnswer;
  evaluate(slice: PolicySlice, question: CedarQuestion): AuthorizationAnswer;
}

// Cedar has no way to forget a prepared name, so a fixed ring of names is written over again and again.
const slotsMax = 128;

/**
 * Keeps one WebAssembly instance and what is prepared in it. `load` makes a new instance: it is called first when the
 * runtime is used, and again after a trap, since a trapped instance answers nothing any more.
 */
export function createCedarRuntime(load: () => Cedar): CedarRuntime {
  let instance: Cedar | undefined;
  // By digest of the slice, least recently used first; the value is the name in the instance.
  const slots = new Map<string, string>();
  const digests = new WeakMap<PolicySlice, string>();

  function use<Answer>(call: (cedar: Cedar) => Answer): Answer {
    try {
      instance ??= start(load);
      return call(instance);
    } catch (thrown) {
      if (!isRefusal(thrown)) {
        instance = undefined;
        slots.clear();
      }
      throw thrown;
    }
  }

  function digestOf(slice: PolicySlice): string {
    const known = digests.get(slice);
    if (known !== undefined) return known;
    const digest = sha256Hex(JSON.stringify([slice.schema, slice.policies]));
    digests.set(slice, digest);
    return digest;
  }

  function prepare(cedar: Cedar, slice: PolicySlice): string {
    const digest = digestOf(slice);
    const name = slots.get(digest) ?? freeName(slots);
    if (!slots.delete(digest)) {
      const schema = cedar.preparseSchema(name, slice.schema);
      const policies = cedar.preparsePolicySet(name, { staticPolicies: { ...slice.policies } });
      if (schema.type === 'failure' || policies.type === 'failure') {
        throw new Error('a slice that was validated cannot be prepared');
      }
    }
    slots.set(digest, name);
    return name;
  }

  return {
    parse: (policy) => use((cedar) => cedar.policyToJson(policy)),
    validate: ({ schema, policies }) =>
      use((cedar) => cedar.validate({ schema, policies: { staticPolicies: { ...policies } } })),
    evaluate: (slice, question) =>
      use((cedar) => {
        const name = prepare(cedar, slice);
        return cedar.statefulIsAuthorized({
          ...question,
          preparsedSchemaName: name,
          preparsedPolicySetId: name,
          validateRequest: true,
        });
      }),
  };
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

function freeName(slots: Map<string, string>): string {
  if (slots.size < slotsMax) return `slot-${slots.size}`;
  const [oldest] = slots;
  if (oldest === undefined) return 'slot-0';
  slots.delete(oldest[0]);
  return oldest[1];
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

import type { PolicyEngine, PolicyRequest, ToolDefinition } from '@modelhost/kernel';
import { HostError, sha256Hex } from '@modelhost/kernel';
import { readArgumentType } from './argument-types.ts';
import type { RecordType } from './argument-types.ts';
import { createBoundedMap } from './bounded-map.ts';
import { sharedCedar } from './cedar-runtime.ts';
import type { CedarRuntime } from './cedar-runtime.ts';
import { decideQuestion, denyFault } from './decide.ts';
import type { Outcome } from './decide.ts';
import type { PolicyFile } from './policy-file.ts';
import { readQuestion } from './question.ts';
import type { Question } from './question.ts';
import { digestFiles, invalidRule, readRules } from './rules.ts';
import type { Rule } from './rules.ts';
import { cedarType, plainActions } from './schema.ts';
import { createSlice, rulesForAction, rulesForQuestion } from './slices.ts';
import type { Slice } from './slices.ts';
import { createVerdictMemory } from './verdict-memory.ts';

/** Options of the engine. */
export interface CedarPolicyEngineOptions {
  /** Read whole when the engine is made; later changes of the files have no effect. */
  readonly files: readonly PolicyFile[];
}

interface EngineOptions extends CedarPolicyEngineOptions {
  readonly cedar: CedarRuntime;
}

const slicesMax = 256;

/**
 * Decides by Cedar rules and fails closed. Throws `config_invalid`, with file, line, column and remedy, for rules that
 * cannot be used. Rules about a tool are checked against the tool's schema when the tool is first asked about.
 */
export function createCedarPolicyEngine({ files }: CedarPolicyEngineOptions): PolicyEngine {
  return createEngine({ files, cedar: sharedCedar });
}

/** The same on a runtime of the caller's own. */
export function createEngine({ files, cedar }: EngineOptions): PolicyEngine {
  const rules = readRules(files, cedar);
  checkPlainActions(rules, cedar);
  const policyDigest = digestFiles(files);
  const slices = createBoundedMap<Slice>(slicesMax);
  const evaluate = createVerdictMemory(cedar);
  const argumentTypes = new WeakMap<ToolDefinition['inputSchema'], RecordType>();

  function typeOf({ inputSchema }: ToolDefinition): RecordType {
    const type = argumentTypes.get(inputSchema) ?? readArgumentType(inputSchema);
    argumentTypes.set(inputSchema, type);
    return type;
  }

  function sliceOf(question: Question): Slice {
    return slices.getOrMake(sliceKey(question), () =>
      createSlice(rulesForQuestion(rules, question), question.subject, cedar),
    );
  }

  function outcomeOf(request: PolicyRequest): Outcome {
    try {
      const reading = readQuestion(request, typeOf);
      if (reading.type === 'refused') return denyFault(reading.problem);
      const { question } = reading;
      return decideQuestion({ request, question, slice: sliceOf(question), evaluate });
    } catch (thrown) {
      // Only our own words are passed on, since Cedar's may quote arguments.
      return denyFault(thrown instanceof HostError ? thrown.message : 'the policy engine failed');
    }
  }

  return {
    decide: (request) => Promise.resolve({ ...outcomeOf(request), policyDigest }),
    digest: () => policyDigest,
  };
}

/** What is not about tools is known now, so a rule that does not fit it need not wait for its first use. */
function checkPlainActions(rules: readonly Rule[], cedar: CedarRuntime): void {
  for (const action of plainActions) {
    const subject = { type: 'plain', action } as const;
    const slice = createSlice(rulesForAction(rules, subject), subject, cedar);
    if (slice.type === 'sound') continue;
    const [problem] = slice.problems;
    const rule = rules.find(({ id }) => id === problem?.rule);
    throw invalidRule(
      rule?.place ?? 'policies',
      `rule "${rule?.id ?? ''}" does not fit the action ${action}: ${problem?.detail ?? ''}`,
      'correct the condition, or name the actions that the rule is about',
    );
  }
}

const typeDigests = new WeakMap<RecordType, string>();

/** Ids may hold anything but what comes before them: their lengths keep two keys apart. */
function sliceKey({ subject, resource, resourceParents }: Question): string {
  const type = subject.type === 'tool' ? digestOfType(subject.arguments) : '';
  const entities = [resource, ...resourceParents].map(
    (entity) => `${entity.type}:${entity.id.length}:${entity.id}`,
  );
  return `${type}:${subject.action.length}:${subject.action}:${entities.join(':')}`;
}

function digestOfType(type: RecordType): string {
  const digest = typeDigests.get(type) ?? sha256Hex(JSON.stringify(cedarType(type)));
  typeDigests.set(type, digest);
  return digest;
}

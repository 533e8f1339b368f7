import type {
  Decision,
  Obligations,
  PolicyAsker,
  PolicyEngine,
  PolicyRequest,
  ToolDefinition,
} from '@modelhost/kernel';
import { HostError, noObligations, sha256Hex } from '@modelhost/kernel';
import { readArgumentType } from './argument-types.ts';
import type { RecordType } from './argument-types.ts';
import { createBoundedMap } from './bounded-map.ts';
import { questionBounds } from './bounds.ts';
import { sharedCedar } from './cedar-runtime.ts';
import type { CedarRuntime } from './cedar-runtime.ts';
import { decideQuestion, denyFault } from './decide.ts';
import type { DeliberationReading, Outcome } from './decide.ts';
import { explainRequest } from './explain/explain-request.ts';
import type { Explanation } from './explain/explanation.ts';
import type { RuleIndex } from './index/rule-index.ts';
import { joinObligations, supportedByHost } from './obligations.ts';
import type { SupportedObligations } from './obligations.ts';
import { readQuestion } from './question.ts';
import type { AskerQuestion, Question } from './question.ts';
import type { PolicySource, RuleSet } from './rule-set.ts';
import type { Rule } from './rules.ts';
import { cedarType } from './schema.ts';
import type { SchemaSubject } from './schema.ts';
import { askedRules } from './rehearsal/asked-rules.ts';
import type { AskedRule } from './rehearsal/asked-rules.ts';
import { createSlice, emptySlice } from './slices.ts';
import type { Slice } from './slices.ts';
import { createVisibility } from './visibility/visibility.ts';
import { createVerdictMemory } from './verdict-memory.ts';
import type { Evaluate } from './verdict-memory.ts';

/** Options of the decision point. */
export interface PolicyEngineOptions {
  readonly source: PolicySource;
  /** What enforcement points keep; what they do not is denied. Default: what those of this host do. */
  readonly supported?: SupportedObligations;
}

/** Decides, and can be given other rules while it does. */
export interface DecisionPoint extends PolicyEngine {
  /** Decides and says why. Puts nothing on record, and throws no more than `decide` does. */
  explain(request: PolicyRequest): Promise<Explanation>;
  /** The rules that are asked about the request, whatever comes of it; none for one that cannot be asked. */
  rulesAbout(request: PolicyRequest): readonly AskedRule[];
  /** From the next decision on, these rules decide. */
  use(source: PolicySource): void;
  /** Another decision point under other rules, which shares what is costly to start. */
  asIf(source: PolicySource): DecisionPoint;
}

/** What a decision point works with. */
export interface EngineParts {
  readonly cedar: CedarRuntime;
  readonly evaluate: Evaluate;
  readonly join: typeof joinObligations;
}

const slicesMax = 4_096;

/**
 * Decides by Cedar rules and fails closed. Rules about a tool are checked against the tool's schema when the tool is
 * first asked about.
 */
export function createPolicyEngine(options: PolicyEngineOptions): DecisionPoint {
  return createEngine(options, partsOf(sharedCedar));
}

/** The usual parts on a runtime of the caller's own. */
export function partsOf(cedar: CedarRuntime): EngineParts {
  return { cedar, evaluate: createVerdictMemory(cedar), join: joinObligations };
}

/** The same with parts of the caller's own. */
export function createEngine(options: PolicyEngineOptions, parts: EngineParts): DecisionPoint {
  const { supported = supportedByHost } = options;
  const sliceOf = createSlices(parts.cedar);
  const typeOf = createTypes();
  const visibility = createVisibility(parts.cedar);
  let { source } = options;

  function deliberate(request: PolicyRequest, ruleSets: readonly RuleSet[]): DeliberationReading {
    if (ruleSets.some((ruleSet) => isForeign(ruleSet, request))) {
      return refused('rules of another tenant were to decide');
    }
    if (ruleSets.length > questionBounds.ruleSets) return refused('too many rule sets decide');
    const reading = readQuestion(request, typeOf);
    if (reading.type === 'refused') return reading;
    const { question } = reading;
    const parties = question.askers.map((asker) => ({
      asker,
      panels: ruleSets.map(({ authorize, oblige }) => ({
        authorize: sliceOf(authorize, asker, question),
        oblige: sliceOf(oblige, asker, question),
      })),
    }));
    const { evaluate, join } = parts;
    const deliberation = { request, question, parties, evaluate, join, supported };
    return { type: 'deliberation', deliberation };
  }

  function outcomeOf(request: PolicyRequest, ruleSets: readonly RuleSet[]): Outcome {
    try {
      const reading = deliberate(request, ruleSets);
      if (reading.type === 'deliberation') return decideQuestion(reading.deliberation);
      return denyFault(reading.problem, redactionsOf(ruleSets));
    } catch (thrown) {
      // Only our own words are passed on, since Cedar's may quote arguments.
      const problem = thrown instanceof HostError ? thrown.message : 'the policy engine failed';
      return denyFault(problem, redactionsOf(ruleSets));
    }
  }

  function rulesFor(asker: PolicyAsker): readonly RuleSet[] {
    try {
      return source.rulesFor(asker.principal.tenant);
    } catch {
      // Without a rule nothing is allowed.
      return [];
    }
  }

  function decide(request: PolicyRequest): Decision {
    const ruleSets = rulesFor(request);
    const outcome = outcomeOf(request, ruleSets);
    return { ...outcome, policyDigest: digestOf(ruleSets), bundles: bundlesOf(ruleSets) };
  }

  function explain(request: PolicyRequest): Explanation {
    const ruleSets = rulesFor(request);
    const { cedar } = parts;
    const reading = (): DeliberationReading => deliberate(request, ruleSets);
    return explainRequest({ request, ruleSets, decide, reading, cedar });
  }

  return {
    decide: (request) => Promise.resolve(decide(request)),
    rulesAbout: (request) => askedRules(() => deliberate(request, rulesFor(request))),
    explain: (request) => Promise.resolve(explain(request)),
    visible: async (asker, tools) => {
      const ruleSets = rulesFor(asker);
      if (ruleSets.some((ruleSet) => isForeign(ruleSet, asker))) return [];
      return visibility.visible(asker, tools, ruleSets);
    },
    digest: () => digestOf(source.rulesFor('')),
    use: (other) => {
      source = other;
    },
    asIf: (other) => createEngine({ source: other, supported }, parts),
  };
}

function refused(problem: string): DeliberationReading {
  return { type: 'refused', problem };
}

const redactions = new WeakMap<RuleSet, Obligations>();

/** All that any of the rules would hide: it is not known which of them a request that cannot be asked is about. */
function redactionsOf(ruleSets: readonly RuleSet[]): Obligations {
  return ruleSets.map(redactionsIn).reduce(joinObligations, noObligations);
}

function redactionsIn(ruleSet: RuleSet): Obligations {
  const known = redactions.get(ruleSet);
  if (known !== undefined) return known;
  const all = ruleSet.oblige.rules
    .map(({ obligation }) => ({ ...noObligations, redact: (obligation ?? noObligations).redact }))
    .reduce(joinObligations, noObligations);
  redactions.set(ruleSet, all);
  return all;
}

/** A source that hands out the rules of another tenant is not believed. */
function isForeign({ source: { scope } }: RuleSet, { principal }: PolicyAsker): boolean {
  return scope !== 'platform' && scope.tenant !== principal.tenant;
}

const digests = new WeakMap<readonly RuleSet[], string>();

/** Of one rule set its own; of several, one that tells their combinations apart. */
function digestOf(ruleSets: readonly RuleSet[]): string {
  const known = digests.get(ruleSets);
  if (known !== undefined) return known;
  const all = ruleSets.map(({ source }) => source.digest);
  const [only] = all;
  const digest = all.length === 1 && only !== undefined ? only : sha256Hex(JSON.stringify(all));
  digests.set(ruleSets, digest);
  return digest;
}

function bundlesOf(ruleSets: readonly RuleSet[]): readonly string[] {
  return ruleSets
    .filter(({ source }) => source.revision > 0)
    .map(({ source }) => `${source.name}@${String(source.revision)}`);
}

type SliceOf = (index: RuleIndex, asker: AskerQuestion, question: Question) => Slice;

/** Finds the slice of an asker's rules. The index gives the same list for the same rules, so the list names them. */
function createSlices(cedar: CedarRuntime): SliceOf {
  const slices = createBoundedMap<Slice>(slicesMax);
  const numbers = new WeakMap<readonly Rule[], number>();
  let lists = 0;

  function numberOf(rules: readonly Rule[]): number {
    const known = numbers.get(rules);
    if (known !== undefined) return known;
    lists += 1;
    numbers.set(rules, lists);
    return lists;
  }

  return (index, { query }, { subject }) => {
    if (index.size === 0) return emptySlice;
    const rules = index.candidates(query);
    if (rules.length === 0) return emptySlice;
    const key = `${String(numberOf(rules))} ${subjectKey(subject)}`;
    return slices.getOrMake(key, () => createSlice(rules, subject, cedar));
  };
}

const typeDigests = new WeakMap<RecordType, string>();

/** Tells apart actions of which the schemas differ. */
function subjectKey(subject: SchemaSubject): string {
  if (subject.type === 'plain') return subject.action;
  const { action, sums, arguments: type } = subject;
  const digest = typeDigests.get(type) ?? sha256Hex(JSON.stringify(cedarType(type)));
  typeDigests.set(type, digest);
  // No two tools have one digest and one list of sums, however they are named.
  return `${digest} ${sums.length === 0 ? '' : JSON.stringify(sums)} ${action}`;
}

function createTypes(): (tool: ToolDefinition) => RecordType {
  const types = new WeakMap<ToolDefinition['inputSchema'], RecordType>();
  return ({ inputSchema }) => {
    const type = types.get(inputSchema) ?? readArgumentType(inputSchema);
    types.set(inputSchema, type);
    return type;
  };
}

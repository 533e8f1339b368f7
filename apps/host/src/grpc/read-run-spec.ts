import { ToolChoice_Mode } from '@modelhost/contracts';
import type { Budget, ClientTool, RunSpec, SamplingOptions } from '@modelhost/contracts';
import { HostError, isJsonObject, parseJsonText, toErrorData } from '@modelhost/kernel';
import type {
  AgentSpec,
  BudgetLimits,
  JsonObject,
  JsonSchemas,
  RunInput,
  Sampling,
  ToolChoice,
  ToolDefinition,
} from '@modelhost/kernel';
import { createFieldReader } from './field-reader.ts';
import type { FieldReader } from './field-reader.ts';
import { readLimits } from './read-budget.ts';
import { readHistory, readParts } from './read-content.ts';
import { readMetadata, readRequestId } from './read-labels.ts';

/** A spec whose every bound was checked, for a known agent: the input of a run, but for who asks. */
export type CheckedSpec = Omit<RunInput, 'runId' | 'principal'> & {
  /** Empty when the caller gave none. */
  readonly requestId: string;
  /** Empty for a run without a session. */
  readonly sessionId: string;
};

/** What a spec is checked against. */
export interface RunSpecReaderOptions {
  readonly agents: ReadonlyMap<string, AgentSpec>;
  readonly schemas: JsonSchemas;
}

const schemaBytesMax = 64 * 1_024;

/** Checks every bound that the contract states. Throws `validation_failed` with all violations. */
export function readRunSpec(spec: RunSpec | undefined, options: RunSpecReaderOptions): CheckedSpec {
  const reader = createFieldReader();
  if (spec === undefined) throw refused([{ field: 'spec', description: 'is required' }]);
  const agent = options.agents.get(spec.agent);
  if (agent === undefined) {
    const known = [...options.agents.keys()].slice(0, 8).join(', ');
    reader.refuse(
      'spec.agent',
      spec.agent === '' ? 'is required' : `is no agent of this host; there is ${known}`,
    );
  }
  readRequestId(reader, 'spec.request_id', spec.requestId);
  if (spec.sessionId !== '' && spec.history.length > 0) {
    reader.refuse('spec.history', 'must be empty with a session_id: its turns are the history');
  }
  reader.text('spec.session_id', spec.sessionId, { min: 0, max: 128 });
  const clientTools = readClientTools(reader, spec.clientTools, options.schemas);
  const checked = {
    requestId: spec.requestId,
    sessionId: spec.sessionId,
    input: readParts(reader, 'spec.input', spec.input, 1),
    history: readHistory(reader, 'spec.history', spec.history),
    sampling: { ...agent?.sampling, ...readSampling(reader, spec.sampling) },
    toolChoice: readToolChoice(reader, spec.toolChoice),
    answerSchema: readSchema(
      reader,
      'spec.answer_schema_json',
      spec.answerSchemaJson,
      options.schemas,
    ),
    clientTools,
    budget: readBudget(reader, spec.budget, agent),
    metadata: readMetadata(reader, 'spec.metadata', spec.metadata),
  };
  if (reader.violations.length > 0 || agent === undefined) throw refused(reader.violations);
  return { agent, ...checked };
}

function refused(violations: FieldReader['violations']): HostError {
  const [first] = violations;
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : '';
  return new HostError('validation_failed', `${first?.field}: ${first?.description}${more}`, {
    violations,
    facts: { field: first?.field ?? '' },
  });
}

function readSampling(reader: FieldReader, given: SamplingOptions | undefined): Sampling {
  if (given === undefined) return {};
  const field = 'spec.sampling';
  const temperature = reader.number(`${field}.temperature`, given.temperature, { min: 0, max: 2 });
  const topP = readTopP(reader, `${field}.top_p`, given.topP);
  const maxOutputTokens = reader.number(`${field}.max_output_tokens`, given.maxOutputTokens, {
    min: 1,
    max: 1_000_000,
    unit: 'tokens',
  });
  const seed = reader.number(`${field}.seed`, given.seed, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const stopSequences = reader
    .list(`${field}.stop_sequences`, given.stopSequences, { min: 0, max: 4 })
    .map((text, index) =>
      reader.text(`${field}.stop_sequences[${index}]`, text, { min: 1, max: 64 }),
    );
  return {
    ...(temperature === undefined ? {} : { temperature }),
    ...(topP === undefined ? {} : { topP }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(seed === undefined ? {} : { seed }),
    ...(stopSequences.length === 0 ? {} : { stopSequences }),
  };
}

function readTopP(
  reader: FieldReader,
  field: string,
  given: number | undefined,
): number | undefined {
  if (given === undefined || (given > 0 && given <= 1)) return given;
  reader.refuse(field, 'must be above 0 and at most 1');
  return undefined;
}

function readToolChoice(reader: FieldReader, given: RunSpec['toolChoice']): ToolChoice {
  const field = 'spec.tool_choice';
  if (given === undefined) return { type: 'auto' };
  if (given.mode !== ToolChoice_Mode.TOOL && given.tool !== '') {
    reader.refuse(`${field}.tool`, 'belongs to MODE_TOOL only');
  }
  switch (given.mode) {
    case ToolChoice_Mode.AUTO:
      return { type: 'auto' };
    case ToolChoice_Mode.NONE:
      return { type: 'none' };
    case ToolChoice_Mode.REQUIRED:
      return { type: 'required' };
    case ToolChoice_Mode.TOOL:
      reader.text(`${field}.tool`, given.tool, { min: 1, max: 64 });
      return { type: 'tool', name: given.tool };
    case ToolChoice_Mode.UNSPECIFIED:
      break;
  }
  reader.refuse(`${field}.mode`, 'must be MODE_AUTO, MODE_NONE, MODE_REQUIRED or MODE_TOOL');
  return { type: 'auto' };
}

function readBudget(
  reader: FieldReader,
  given: Budget | undefined,
  agent: AgentSpec | undefined,
): BudgetLimits {
  const limits = agent?.budget ?? noLimits;
  const wanted = { ...limits, ...readLimits(reader, 'spec.budget', given) };
  return {
    tokensMax: Math.min(wanted.tokensMax, limits.tokensMax),
    costMicroUsdMax: Math.min(wanted.costMicroUsdMax, limits.costMicroUsdMax),
    stepsMax: Math.min(wanted.stepsMax, limits.stepsMax),
    toolCallsMax: Math.min(wanted.toolCallsMax, limits.toolCallsMax),
    durationMsMax: Math.min(wanted.durationMsMax, limits.durationMsMax),
  };
}

/** Stands in while the other fields of a spec without a known agent are checked. */
const noLimits: BudgetLimits = {
  tokensMax: 0,
  costMicroUsdMax: 0,
  stepsMax: 0,
  toolCallsMax: 0,
  durationMsMax: 0,
};

function readClientTools(
  reader: FieldReader,
  tools: readonly ClientTool[],
  schemas: JsonSchemas,
): readonly ToolDefinition[] {
  const names = new Set<string>();
  return reader
    .list('spec.client_tools', tools, { min: 0, max: 64 })
    .map(({ name, description, inputSchemaJson }, index) => {
      const field = `spec.client_tools[${index}]`;
      if (!/^[A-Za-z0-9_-]{1,64}$/.test(name) || name.includes('__')) {
        reader.refuse(
          `${field}.name`,
          'must be 1 to 64 of A-Z, a-z, 0-9, "_" and "-", without "__"',
        );
      }
      if (names.has(name)) reader.refuse(`${field}.name`, 'is used by another client tool');
      names.add(name);
      reader.text(`${field}.description`, description, { min: 0, max: 4_096 });
      const inputSchema = readInputSchema(
        reader,
        `${field}.input_schema_json`,
        inputSchemaJson,
        schemas,
      );
      return {
        name,
        description,
        inputSchema,
        // Nobody here knows what the caller does with it, so it counts as what cannot be undone.
        effect: 'irreversible' as const,
        integrity: 'untrusted' as const,
        decisionArguments: [],
        server: 'client',
        serverTool: name,
        executor: 'client' as const,
      };
    });
}

function readInputSchema(
  reader: FieldReader,
  field: string,
  text: string,
  schemas: JsonSchemas,
): JsonObject {
  if (text === '') reader.refuse(field, 'is required');
  const schema = readSchema(reader, field, text, schemas);
  // A schema that could not be read is refused already.
  if (schema === undefined) return {};
  if (schema['type'] !== 'object') reader.refuse(field, 'must be a schema of type object');
  return schema;
}

function readSchema(
  reader: FieldReader,
  field: string,
  text: string,
  schemas: JsonSchemas,
): JsonObject | undefined {
  if (text === '') return undefined;
  if (Buffer.byteLength(text) > schemaBytesMax) {
    reader.refuse(field, `must have at most ${schemaBytesMax} bytes`);
    return undefined;
  }
  try {
    const schema = parseJsonText(text);
    if (!isJsonObject(schema)) {
      reader.refuse(field, 'must be the text of a JSON Schema object');
      return undefined;
    }
    schemas.compile(schema);
    return schema;
  } catch (thrown) {
    const isJson = !(thrown instanceof SyntaxError);
    reader.refuse(field, isJson ? toErrorData(thrown).message : 'must be JSON');
    return undefined;
  }
}

import { ExplainDecisionResponseSchema } from '@modelhost/contracts';
import type { ExplainDecisionResponse } from '@modelhost/contracts';
import { ModelHostError } from '@modelhost/sdk';
import type { DecisionQuestion, PolicyFileInit } from '@modelhost/sdk';
import { withClient } from '../connection.ts';
import type { ConnectionFlags } from '../connection.ts';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { readNamedFile } from '../named-files.ts';
import { renderExplanation } from '../policy/explanation-text.ts';
import { readAskedQuestion } from '../policy/question.ts';
import type { QuestionFlags } from '../policy/question.ts';
import { toJsonText } from '../text/output.ts';
import type { JsonFlag } from '../text/output.ts';

/** What `policy explain` is told. */
export interface ExplainFlags extends ConnectionFlags, JsonFlag, QuestionFlags {
  readonly decision?: string;
  readonly bundle?: string;
  readonly project?: string;
  readonly test?: string;
}

/** Says what is decided, by which rule and fact, and what would change it: of a running host, or of a project. */
export async function explainDecision(context: CliContext, flags: ExplainFlags): Promise<void> {
  const { project, test, bundle, decision } = flags;
  if (project !== undefined) {
    if (bundle !== undefined || decision !== undefined) {
      throw usage('--project asks no host, so --bundle and --decision do not go with it');
    }
    const { explainByProject } = await import('../policy/ask-project.ts');
    const asked = test ?? (await readAskedQuestion(flags));
    return show(context, flags, await explainByProject(project, asked));
  }
  if (test !== undefined) throw usage('--test names a test of a --project');
  const files = bundle === undefined ? [] : await readRules(bundle);
  const about = await aboutOf(flags);
  await withClient(context, flags, async (client) => {
    const answer = await client.explainDecision({ about, files }).catch((thrown: unknown) => {
      throw about.case === 'decisionId' && isNotFound(thrown) ? unknownDecision(thrown) : thrown;
    });
    show(context, flags, answer);
  });
}

function isNotFound(thrown: unknown): thrown is ModelHostError {
  return thrown instanceof ModelHostError && thrown.code === 'not_found';
}

function unknownDecision({ code, message }: ModelHostError): CommandError {
  return new CommandError(
    exitCodes.notFound,
    `${code}: ${message}`,
    '`model-host policy decisions list` shows what is on record',
  );
}

function show(
  { print, paint }: CliContext,
  { json }: ExplainFlags,
  answer: ExplainDecisionResponse,
): void {
  print(
    json === true
      ? `${toJsonText(ExplainDecisionResponseSchema, answer, 2)}\n`
      : renderExplanation(answer, paint),
  );
}

async function aboutOf(flags: ExplainFlags): Promise<NonNullable<DecisionQuestion['about']>> {
  if (flags.decision !== undefined) return { case: 'decisionId', value: flags.decision };
  const question = await readAskedQuestion(flags);
  const { action, resource, subject = '', roles, agent, facts } = question;
  const argumentsJson = question.arguments === undefined ? '' : JSON.stringify(question.arguments);
  return {
    case: 'question',
    value: {
      action,
      resource,
      argumentsJson,
      subject,
      roles: [...roles],
      agent: agent ?? '',
      delegated: agent !== undefined,
      contextJson: Object.keys(facts).length === 0 ? '' : JSON.stringify(facts),
    },
  };
}

/** The rules of a bundle, signed by whomever: the host only answers what they would say. */
async function readRules(path: string): Promise<PolicyFileInit[]> {
  const { readUnverifiedBundle } = await import('@modelhost/policy-bundle');
  const reading = readUnverifiedBundle(await readNamedFile(path));
  if (reading.type === 'refused') throw usage(`${path}: ${reading.message}`);
  return reading.bundle.files
    .filter((file) => file.path.endsWith('.cedar'))
    .map((file) => ({ name: file.path, text: file.content }));
}

function usage(message: string): CommandError {
  return new CommandError(exitCodes.usage, message, '--help shows how they go together');
}

import { create } from '@bufbuild/protobuf';
import { ExplainDecisionResponseSchema } from '@modelhost/contracts';
import type { ExplainDecisionResponse } from '@modelhost/contracts';
import { toExplanationMessage } from '@modelhost/host';
import { HostError } from '@modelhost/kernel';
import type { PolicyRequest } from '@modelhost/kernel';
import {
  createPolicyEngine,
  readBundleContent,
  readRuleSet,
  singleSource,
} from '@modelhost/policy-engine';
import { CommandError, exitCodes } from '../failure.ts';
import { hasErrors } from './problem-text.ts';
import { readProject, sourceOf } from './project.ts';
import type { Project } from './project.ts';
import { toGiven } from './question.ts';
import type { AskedQuestion } from './question.ts';

/** Explains the question, or that of the test of this name, by the rules of a project, as a host explains it. */
export async function explainByProject(
  directory: string,
  asked: AskedQuestion | string,
): Promise<ExplainDecisionResponse> {
  const project = await readProject(directory);
  if (hasErrors(project.problems)) {
    throw new CommandError(
      exitCodes.failure,
      `${directory}: cannot be used as it stands`,
      `\`model-host policy lint ${directory}\` says what is wrong`,
    );
  }
  const request = requestOf(project, asked);
  if (request === undefined) {
    throw new CommandError(
      exitCodes.notFound,
      `${directory}: has no test of this name`,
      `\`model-host policy test ${directory}\` shows their names`,
    );
  }
  const source = singleSource(readRuleSet(sourceOf(project)));
  const explanation = await createPolicyEngine({ source }).explain(request);
  return create(ExplainDecisionResponseSchema, toExplanationMessage(request, explanation));
}

/** A question is read as a test, so that it means the same. */
function requestOf(
  { files, content, settings }: Project,
  asked: AskedQuestion | string,
): PolicyRequest | undefined {
  if (typeof asked === 'string') return content?.tests.find(({ name }) => name === asked)?.request;
  const scope = settings?.scope ?? 'platform';
  const given = toGiven(asked, scope === 'platform' ? 'acme' : scope.tenant);
  const test = { name: 'question', given, expect: { effect: 'allow' } };
  const tools = files
    .filter(({ path }) => path === 'tools.json')
    .map(({ path, content: text }) => ({ name: path, text }));
  const question = { name: 'tests/question.json', text: JSON.stringify([test]) };
  try {
    return readBundleContent([...tools, question]).tests[0]?.request;
  } catch (thrown) {
    if (!(thrown instanceof HostError) || thrown.code !== 'config_invalid') throw thrown;
    // The place in a file that nobody wrote says nothing.
    const message = thrown.message.replaceAll(/^.{1,100}?test "question": (?:given\.)?/gm, '');
    throw new CommandError(exitCodes.usage, message);
  }
}

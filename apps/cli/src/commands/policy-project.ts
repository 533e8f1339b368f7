import { hash } from 'node:crypto';
import { printTestReport, readRuleSet, runBundleTests } from '@modelhost/policy-engine';
import type { TestReport } from '@modelhost/policy-engine';
import type { CliContext } from '../context.ts';
import { CommandError, exitCodes } from '../failure.ts';
import { writeWhole } from '../named-files.ts';
import { encodeProject, manifestOf, settingsFile } from '../policy/bundle-yaml.ts';
import type { BundleSettings } from '../policy/bundle-yaml.ts';
import { countProblems, hasErrors, renderProblems } from '../policy/problem-text.ts';
import { readProject, sourceOf } from '../policy/project.ts';
import type { Project } from '../policy/project.ts';
import { writeStarter } from '../policy/starter.ts';
import type { JsonFlag } from '../text/output.ts';
import { toPrintable } from '../text/printable.ts';
import { count } from '../text/quantities.ts';

/** What `policy build` is told. */
export interface BuildFlags extends JsonFlag {
  readonly revision: number;
  readonly out?: string;
  readonly mode?: 'enforce' | 'shadow';
  readonly notBefore?: number;
}

/** Begins a project. */
export async function initProject(
  context: CliContext,
  _flags: object,
  directory: string,
): Promise<void> {
  for (const path of await writeStarter(directory)) context.print(`${directory}/${path}\n`);
  context.say(`next: edit the rules, then \`model-host policy test ${directory}\``);
}

/** Everything that is wrong with a project; exits with 1 when its rules cannot be used. */
export async function lintProject(
  context: CliContext,
  flags: JsonFlag,
  directory: string,
): Promise<void> {
  const { problems, hasSettings, leftOut } = await readProject(directory);
  if (flags.json === true) context.print(`${JSON.stringify({ problems }, undefined, 2)}\n`);
  else context.print(renderProblems(problems, context.paint));
  if (!hasSettings) context.say(`no ${settingsFile}: checked as a plain directory of rules`);
  else if (leftOut.length > 0) context.say(`no part of the bundle: ${leftOut.join(', ')}`);
  if (hasErrors(problems)) context.exitWith(exitCodes.failure);
  context.say(problems.length === 0 ? `${directory}: ok` : countProblems(problems));
}

/** Runs the tests of a project; exits with 1 unless all pass and every rule is hit. */
export async function testProject(
  context: CliContext,
  flags: JsonFlag,
  directory: string,
): Promise<void> {
  const report = await runTests(context, await readProject(directory));
  context.print(
    flags.json === true
      ? `${JSON.stringify(report, undefined, 2)}\n`
      : renderReport(context, report),
  );
  if (!report.isPassed) context.exitWith(exitCodes.failure);
}

/** Checks and tests a project, and writes what is to be signed. */
export async function buildBundle(
  context: CliContext,
  flags: BuildFlags,
  directory: string,
): Promise<void> {
  const project = await readProject(directory);
  const settings = settingsOf(context, project, flags);
  const report = await runTests(context, project);
  if (!report.isPassed) {
    context.print(renderReport(context, report));
    throw new CommandError(
      exitCodes.failure,
      'the tests do not pass, and no host would take the bundle',
      `mend it, then \`model-host policy test ${directory}\``,
    );
  }
  const facts = { revision: flags.revision, notBeforeMs: flags.notBefore ?? context.now() };
  const payload = encodeProject(settings, project.files, facts);
  const manifest = manifestOf(settings, facts);
  const file = flags.out ?? `${manifest.name}-${manifest.revision}.unsigned.json`;
  await writeWhole(file, payload);
  const digest = hash('sha256', payload, 'hex');
  if (flags.json === true) {
    context.print(`${JSON.stringify({ file, digest, manifest }, undefined, 2)}\n`);
  } else {
    const tests = count(report.tests.length, 'test');
    context.print(
      [
        `${file}: ${manifest.name} revision ${manifest.revision}, ${manifest.mode}, ${count(project.files.length, 'file')}, ${count(report.ruleCount, 'rule')}, ${tests} passed`,
        `valid   ${manifest.notBefore} to ${manifest.expires}`,
        `digest  ${digest}`,
        '',
      ].join('\n'),
    );
  }
  if (project.leftOut.length > 0) {
    context.say(`no part of the bundle: ${project.leftOut.join(', ')}`);
  }
  context.say(`next: \`model-host policy sign ${file} --key FILE\``);
}

function settingsOf(context: CliContext, project: Project, { mode }: BuildFlags): BundleSettings {
  const { settings, directory } = project;
  refuseErrors(context, project);
  if (settings === undefined) {
    throw new CommandError(
      exitCodes.usage,
      `${directory}: there is no ${settingsFile}, which names the bundle`,
      `write one with at least \`name: NAME\`, or begin with \`model-host policy init\``,
    );
  }
  return mode === undefined ? settings : { ...settings, mode };
}

/** Prints what is wrong and throws, when the rules cannot be used. */
function refuseErrors(context: CliContext, { problems, directory }: Project): void {
  if (!hasErrors(problems)) return;
  context.print(renderProblems(problems, context.paint));
  throw new CommandError(exitCodes.failure, `${directory}: ${countProblems(problems)}`);
}

async function runTests(context: CliContext, project: Project): Promise<TestReport> {
  refuseErrors(context, project);
  return runBundleTests(readRuleSet(sourceOf(project)), project.content?.tests ?? []);
}

function renderReport({ paint }: CliContext, report: TestReport): string {
  return toPrintable(printTestReport(report))
    .replaceAll('  ✔ ', `  ${paint.green('✔')} `)
    .replaceAll('  ✖ ', `  ${paint.red('✖')} `);
}

import { isJsonObject } from '@modelhost/kernel';
import type { JsonObject, ModelRequest } from '@modelhost/kernel';
import { textAnswer } from './scripted-answer.ts';
import type { ScriptedAnswer } from './scripted-answer.ts';
import { surveyFiles } from './scripted-files.ts';
import type { FileSurvey } from './scripted-files.ts';
import { count, factsOf, reportText, summaryText } from './scripted-report-text.ts';
import { joinPath, readTask, relativePath } from './scripted-task.ts';
import { readTranscript } from './scripted-transcript.ts';
import type { PastCall, Transcript } from './scripted-transcript.ts';

/** Names of the tools that the skill can work with, as this agent knows them; undefined where there is none. */
interface Abilities {
  readonly list: string | undefined;
  readonly read: string | undefined;
  readonly write: string | undefined;
  readonly roots: string | undefined;
  readonly remember: string | undefined;
}

const reportName = 'report.md';

const notALanguageModel =
  'I am the demo model of Model Host: I follow fixed rules and am not a language model.';

/**
 * The built-in skill: look into a folder, read its files, keep what was found in a memory server, write a report. It
 * keeps no state: the next step follows from the conversation, and each call is tried once, whatever came of it.
 */
export function planReport(request: ModelRequest, outputBytesMax: number): ScriptedAnswer {
  const abilities = findAbilities(request);
  const transcript = readTranscript(request.messages);
  const { list, read } = abilities;
  if (list === undefined || read === undefined) return textAnswer(withoutTools(request));
  const task = readTask(transcript.task);
  const root = task.folder ?? rootOf(abilities, transcript);
  if (root === undefined) return askRoots(abilities, transcript);
  const output = joinPath(root, task.output ?? reportName);
  const survey = surveyFiles({ root, output, list, read, calls: transcript.calls });
  return (
    planLook(survey, list, read) ??
    planKeep(abilities, transcript, { survey, outputBytesMax }) ??
    planWrite({ abilities, transcript, survey, output, outputBytesMax }) ??
    textAnswer(finalText({ abilities, transcript, survey, output }))
  );
}

function findAbilities({ tools, toolChoice }: ModelRequest): Abilities {
  const offered = tools.filter(
    ({ name }) =>
      toolChoice.type !== 'none' && (toolChoice.type !== 'tool' || toolChoice.name === name),
  );
  const find = (tool: string, fields: readonly string[]): string | undefined =>
    offered.find(({ name, inputSchema }) => isNamed(name, tool) && takes(inputSchema, fields))
      ?.name;
  return {
    list: find('list_directory', ['path']),
    read: find('read_text_file', ['path']) ?? find('read_file', ['path']),
    write: find('write_file', ['path', 'content']),
    roots: find('list_allowed_directories', []),
    remember: find('create_entities', ['entities']),
  };
}

function isNamed(name: string, tool: string): boolean {
  return name === tool || name.endsWith(`__${tool}`);
}

/** Whether a call with exactly these fields can fit the schema. */
function takes(schema: JsonObject, fields: readonly string[]): boolean {
  const { properties = {}, required = [] } = schema;
  return (
    isJsonObject(properties) &&
    Array.isArray(required) &&
    fields.every((field) => Object.hasOwn(properties, field)) &&
    required.every((field) => typeof field === 'string' && fields.includes(field))
  );
}

function withoutTools({ tools }: ModelRequest): string {
  const offered = tools
    .slice(0, 20)
    .map(({ name }) => name)
    .join(', ');
  return (
    `${notALanguageModel} My one skill is to report on a folder, and for it I need tools named list_directory and ` +
    `read_text_file. Offered are: ${offered === '' ? 'none' : offered}.`
  );
}

function rootOf({ roots }: Abilities, { calls }: Transcript): string | undefined {
  const told = calls.find(({ tool, isError }) => tool === roots && !isError);
  return told?.content
    .split('\n')
    .map((line) => line.trim())
    .find((line) => /^(?:\/|[A-Za-z]:[\\/])/.test(line));
}

function askRoots({ roots }: Abilities, { calls }: Transcript): ScriptedAnswer {
  const asked = calls.find(({ tool }) => tool === roots);
  if (roots !== undefined && asked === undefined) {
    return callsAnswer('The task names no folder, so I ask which one I may use.', [
      call(roots, {}),
    ]);
  }
  const reason = asked === undefined ? '' : ` (${firstLine(asked.content)})`;
  return textAnswer(
    `${notALanguageModel} I found no folder to report on${reason}. Name one by its absolute path in the task.`,
  );
}

function planLook(survey: FileSurvey, list: string, read: string): ScriptedAnswer | undefined {
  const { foldersToList, filesToRead } = survey;
  if (foldersToList.length > 0) {
    const calls = foldersToList.map((path) => call(list, { path }));
    return callsAnswer(`I look into ${count(calls.length, 'folder')}.`, calls);
  }
  if (filesToRead.length === 0) return undefined;
  const calls = filesToRead.map((path) => call(read, { path }));
  return callsAnswer(`I read ${count(calls.length, 'file')}.`, calls);
}

function planKeep(
  { remember }: Abilities,
  { calls }: Transcript,
  bounds: { readonly survey: FileSurvey; readonly outputBytesMax: number },
): ScriptedAnswer | undefined {
  const { root, files } = bounds.survey;
  const readable = files.filter(({ text }) => text !== undefined);
  const isDone = calls.some(({ tool }) => tool === remember);
  if (remember === undefined || isDone || readable.length === 0) return undefined;
  const entities = readable.map((file) => ({
    name: relativePath(root, file.path),
    entityType: 'file',
    observations: factsOf(file),
  }));
  const planned = call(remember, { entities });
  if (Buffer.byteLength(planned.arguments) + 256 > bounds.outputBytesMax) return undefined;
  return callsAnswer('I keep what I found in the memory server.', [planned]);
}

function planWrite(options: {
  readonly abilities: Abilities;
  readonly transcript: Transcript;
  readonly survey: FileSurvey;
  readonly output: string;
  readonly outputBytesMax: number;
}): ScriptedAnswer | undefined {
  const { abilities, transcript, survey, output, outputBytesMax } = options;
  const { write } = abilities;
  const isDone = transcript.calls.some(({ tool }) => tool === write);
  // A folder that could not be listed has no report about it.
  if (write === undefined || isDone || !survey.isListed) return undefined;
  const text = `I write the report to ${output}.`;
  // Escaping may double a text at the worst; what does not fit is cut from the report, not from its JSON.
  const bytesLeft = outputBytesMax - Buffer.byteLength(text + write + output) - 64;
  for (let bytesMax = bytesLeft; bytesMax > 0; bytesMax = Math.floor(bytesMax / 2)) {
    const content = reportText(survey, transcript.task, bytesMax);
    const planned = call(write, { path: output, content });
    if (Buffer.byteLength(planned.arguments) <= bytesLeft) return callsAnswer(text, [planned]);
  }
  return undefined;
}

function finalText(options: {
  readonly abilities: Abilities;
  readonly transcript: Transcript;
  readonly survey: FileSurvey;
  readonly output: string;
}): string {
  const { abilities, transcript, survey, output } = options;
  const written = lastCall(transcript, abilities.write);
  const kept = lastCall(transcript, abilities.remember);
  return [
    summaryText(survey),
    ...(kept === undefined ? [] : [outcomeText('Keeping them in the memory server', kept)]),
    written === undefined
      ? unwrittenText(abilities, survey)
      : outcomeText(`Writing the report to ${output}`, written),
    notALanguageModel,
  ].join('\n\n');
}

function unwrittenText({ write }: Abilities, { isListed }: FileSurvey): string {
  if (write === undefined) return 'I wrote no report, because I was offered no tool that writes.';
  if (!isListed) return 'I wrote no report, because I could not look into the folder.';
  return 'I wrote no report, because it does not fit into the length of an answer.';
}

function outcomeText(what: string, { isError, content }: PastCall): string {
  return isError ? `${what} was not possible: ${firstLine(content)}` : `${what} worked.`;
}

function lastCall({ calls }: Transcript, name: string | undefined): PastCall | undefined {
  return calls.findLast(({ tool }) => tool === name);
}

function call(name: string, values: JsonObject): ScriptedAnswer['toolCalls'][number] {
  return { name, arguments: JSON.stringify(values) };
}

function callsAnswer(text: string, toolCalls: ScriptedAnswer['toolCalls']): ScriptedAnswer {
  return { ...textAnswer(text), toolCalls };
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').slice(0, 300);
}

import { isJsonObject, parseJsonText } from '@modelhost/kernel';
import { cutToBytes } from './scripted-answer.ts';
import type { FileSurvey, SurveyedFile } from './scripted-files.ts';
import { relativePath } from './scripted-task.ts';

const quotedLinesMax = 6;
const quotedLineLengthMax = 160;
const namesMax = 5;

/** The report as Markdown; quotes get fewer until it fits, and at the last it is cut. */
export function reportText(survey: FileSurvey, task: string, bytesMax: number): string {
  for (let lines = quotedLinesMax; lines > 0; lines -= 1) {
    const text = drawReport(survey, task, lines);
    if (Buffer.byteLength(text) <= bytesMax) return text;
  }
  return cutToBytes(drawReport(survey, task, 1), bytesMax);
}

/** What was read and what was not, in a few sentences. */
export function summaryText(survey: FileSurvey): string {
  const { root, files } = survey;
  const readable = files.filter(({ text }) => text !== undefined);
  const refused = refusals(survey);
  const words = readable.reduce((sum, { text = '' }) => sum + wordsIn(text), 0);
  const bytes = readable.reduce((sum, { text = '' }) => sum + Buffer.byteLength(text), 0);
  const lines = [
    files.length === 0
      ? `${nothingText(survey)} in ${root}.`
      : `I read ${readable.length} of ${count(filesSeen(survey), 'file')} in ${root}: ${words} words in ${bytes} bytes.`,
    ...leftOutLines(survey),
    ...readable.map((file) => `- ${relativePath(root, file.path)}: ${factsOf(file).join('; ')}`),
  ];
  if (refused.length > 0) lines.push('', 'I could not read:', ...refused);
  return lines.join('\n');
}

/** What can be said of a text by counting, as short statements. */
export function factsOf({ path, text = '' }: SurveyedFile): readonly string[] {
  return [
    `${count(Buffer.byteLength(text), 'byte')}, ${count(linesOf(text).length, 'line')}, ${count(wordsIn(text), 'word')}`,
    ...shapeOf(path, text),
  ];
}

function drawReport(survey: FileSurvey, task: string, linesMax: number): string {
  const { root, files } = survey;
  const readable = files.filter(({ text }) => text !== undefined);
  const refused = refusals(survey);
  const words = readable.reduce((sum, { text = '' }) => sum + wordsIn(text), 0);
  const sections = [
    `# Report on ${root}`,
    'Written by the demo model of Model Host, which follows fixed rules and is not a language model.',
    `Task: ${quoted(task.replace(/\s+/g, ' ').trim())}`,
    files.length === 0
      ? `${nothingText(survey)}.`
      : `${readable.length} of ${count(filesSeen(survey), 'file')} were read, ${words} words in all.`,
    // Near the top, because the end of a long report may be cut.
    ...leftOutLines(survey),
    ...readable.map((file) => drawFile(root, file, linesMax)),
  ];
  if (refused.length > 0) sections.push(`## Not readable\n\n${refused.join('\n')}`);
  return `${sections.join('\n\n')}\n`;
}

function filesSeen({ files, filesLeftOut }: FileSurvey): number {
  return files.length + filesLeftOut.length;
}

function nothingText({ isListed }: FileSurvey): string {
  return isListed ? 'There was nothing to read' : 'I read no file';
}

/** What was seen and not looked at, so that no total claims more than it is. */
function leftOutLines({ root, filesLeftOut, foldersLeftOut }: FileSurvey): readonly string[] {
  const names = (paths: readonly string[]): string => {
    const shown = paths.slice(0, namesMax).map((path) => quoted(relativePath(root, path)));
    const more = paths.length - shown.length;
    return `${shown.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  };
  const lines: string[] = [];
  if (filesLeftOut.length > 0) {
    lines.push(`Left out: ${count(filesLeftOut.length, 'file')} (${names(filesLeftOut)}).`);
  }
  if (foldersLeftOut.length > 0) {
    const number = count(foldersLeftOut.length, 'folder');
    lines.push(
      `Not visited: ${number} (${names(foldersLeftOut)}); files in there are not counted.`,
    );
  }
  return lines;
}

function drawFile(root: string, file: SurveyedFile, linesMax: number): string {
  const lines = linesOf(file.text ?? '').filter((line) => line.trim() !== '');
  const shown = lines.slice(0, linesMax).map((line) => `> ${quoted(line)}`);
  if (lines.length > linesMax) shown.push(`> … ${count(lines.length - linesMax, 'more line')}`);
  const name = relativePath(root, file.path);
  return [`## ${name}`, `${factsOf(file).join('; ')}.`, shown.join('  \n')].join('\n\n');
}

function refusals({ root, files, foldersRefused }: FileSurvey): readonly string[] {
  return [...foldersRefused, ...files]
    .filter(({ text }) => text === undefined)
    .map(({ path, reason }) => `- ${relativePath(root, path) || path}: ${reason}`);
}

function shapeOf(path: string, text: string): readonly string[] {
  if (/\.csv$/i.test(path)) {
    const [header = '', ...rows] = linesOf(text);
    return [`table of ${count(rows.length, 'row')} with the columns ${quoted(header)}`];
  }
  if (/\.json$/i.test(path)) return [keysOf(text)];
  const heading = /^#{1,6}\s+(.+)$/m.exec(text)?.[1];
  return heading === undefined ? [] : [`heading "${quoted(heading)}"`];
}

function keysOf(text: string): string {
  try {
    const value = parseJsonText(text);
    if (Array.isArray(value)) return `list of ${count(value.length, 'item')}`;
    if (isJsonObject(value)) return `object with the keys ${quoted(Object.keys(value).join(', '))}`;
    return 'a single JSON value';
  } catch {
    return 'not valid JSON';
  }
}

function linesOf(text: string): readonly string[] {
  return text === '' ? [] : text.replace(/\r?\n$/, '').split(/\r?\n/);
}

function wordsIn(text: string): number {
  return text.match(/[\p{L}\p{N}]+/gu)?.length ?? 0;
}

function quoted(text: string): string {
  const clean = text.replace(/\p{Cc}+/gu, ' ');
  if (clean.length <= quotedLineLengthMax) return clean;
  return `${clean.slice(0, quotedLineLengthMax).toWellFormed()}…`;
}

/** A number with its noun. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

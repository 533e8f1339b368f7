/** What the task asks for, as far as fixed rules can tell. */
export interface ReportTask {
  /** Absolute path; undefined when the task names none. */
  readonly folder: string | undefined;
  /** Path of the report as the task gives it; undefined when it gives none. */
  readonly output: string | undefined;
}

const writingWords = /^(?:write|save|store|put|create|produce|generate|make)s?$/i;
const leadingWords =
  /^(?:write|save|store|put|create|produce|generate|make|to|into|in|as|called|named|file)s?$/i;
const fileName = /\.(?:md|markdown|txt)$/i;
const absolute = /^(?:\/|[A-Za-z]:[\\/])/;

/**
 * Finds the folder (the first absolute path that is not the report) and the report (a .md or .txt file that directly
 * follows a word such as "to" or "write"). A file that the task only mentions is never taken as the report, because
 * writing would destroy it.
 */
export function readTask(task: string): ReportTask {
  const words = wordsOf(task);
  const output = words.find(
    (word, index) =>
      fileName.test(word) &&
      leadingWords.test(words[index - 1] ?? '') &&
      words.slice(0, index).some((before) => writingWords.test(before)),
  );
  const folder = words.find((word) => absolute.test(word) && word !== output && word.length > 1);
  return { folder: folder === undefined ? undefined : trimSlash(folder), output };
}

/** Joins a folder and a relative path in the manner of the folder; an absolute path stays. */
export function joinPath(folder: string, path: string): string {
  if (absolute.test(path)) return path;
  const separator = folder.includes('\\') ? '\\' : '/';
  return `${trimSlash(folder)}${separator}${path.replace(/^\.[\\/]/, '')}`;
}

/** The path as seen from the folder. */
export function relativePath(folder: string, path: string): string {
  return path.startsWith(folder) ? path.slice(folder.length).replace(/^[\\/]/, '') : path;
}

/** Words and quoted pieces, without the punctuation around them. */
function wordsOf(task: string): readonly string[] {
  return [...task.matchAll(/"([^"\n]+)"|'([^'\n]+)'|`([^`\n]+)`|(\S+)/g)].map((match) => {
    const [, double, single, back, word = ''] = match;
    return double ?? single ?? back ?? word.replace(/^[("'`]+|[)"'`.,;:!?]+$/g, '');
  });
}

function trimSlash(path: string): string {
  return path.replace(/(?<=.)[\\/]+$/, '');
}

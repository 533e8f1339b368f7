/** The imports of source files, found by pattern: TypeScript 7 offers no syntax tree to scripts. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One import in one file. */
export interface SourceImport {
  /** Relative to the root, with `/`. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly specifier: string;
}

const binding = String.raw`(?:\{[^}]*\}|\*(?:\s+as\s+\w+)?|\w+(?:\s*,\s*(?:\{[^}]*\}|\*\s+as\s+\w+))?)`;
const statement = String.raw`^[ \t]*(?:import|export)\s+(?:(?:type\s+)?${binding}\s*from\s*)?['"]([^'"]+)['"]`;
// Nothing quoted and no comment may stand before it on its line, or it is a word about an import.
const call = String.raw`^[^'"\`/\n]*\bimport\(\s*['"]([^'"]+)['"]`;
const pattern = new RegExp(`${statement}|${call}`, 'gm');

/** All imports below a folder of the repository; generated code counts, installed packages do not. */
export function readImports(root: string, directory: string): readonly SourceImport[] {
  return sourceFiles(root, directory).flatMap((file) =>
    findImports(readFileSync(join(root, file), 'utf8')).map((found) => ({ file, ...found })),
  );
}

/** The imports of one text, with the line on which each statement begins. */
export function findImports(text: string): readonly Omit<SourceImport, 'file'>[] {
  return [...text.matchAll(pattern)].map((match) => ({
    line: text.slice(0, match.index).split('\n').length,
    specifier: match[1] ?? match[2] ?? '',
  }));
}

function sourceFiles(root: string, directory: string): readonly string[] {
  return readdirSync(join(root, directory), { withFileTypes: true }).flatMap((entry) => {
    const path = posix.join(directory, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : sourceFiles(root, path);
    return /\.(?:ts|tsx|mts|js|mjs)$/.test(entry.name) ? [path] : [];
  });
}

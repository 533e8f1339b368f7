/** The index of the contracts package: everything that proto/ defines, apart from the descriptors of files and enums. */

/** Names that would say too little outside their own package. */
const renamed: Readonly<Record<string, string>> = {
  StatusSchema: 'RpcStatusSchema',
  Status: 'RpcStatus',
};

/** Text of index.ts for the generated files, given by path. */
export function contractIndex(files: ReadonlyMap<string, string>): string {
  const exported = [...files].flatMap(([path, text]) => {
    const from = `./gen/${path.split('/gen/')[1] ?? ''}`;
    const values = namesIn(
      text,
      /^export const (\w+)(?:: Gen(?:Message|Service)(?:\$\d+)?<| = \{)/gm,
    );
    // A type of ours that is called Message makes the generator write `Message$1` for its own.
    const types = namesIn(text, /^export type (\w+) = Message(?:\$\d+)?</gm);
    return [...exportLine('export', values, from), ...exportLine('export type', types, from)];
  });
  return [
    '/** Everything that proto/ defines: message types, their schemas, enums and services. Made by `npm run generate`. */',
    ...exported,
    '',
  ].join('\n');
}

function namesIn(text: string, pattern: RegExp): readonly string[] {
  return [...text.matchAll(pattern)].flatMap(([, name]) => {
    if (name === undefined) return [];
    const alias = renamed[name];
    return [alias === undefined ? name : `${name} as ${alias}`];
  });
}

/** Broken over lines where the formatter would break it. */
function exportLine(keyword: string, names: readonly string[], from: string): readonly string[] {
  if (names.length === 0) return [];
  const line = `${keyword} { ${names.join(', ')} } from '${from}';`;
  if (line.length <= 100) return [line];
  return [`${keyword} {`, ...names.map((name) => `  ${name},`), `} from '${from}';`];
}

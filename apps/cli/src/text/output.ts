import { toJson } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';

/** Whether the answer is a document. */
export interface JsonFlag {
  readonly json?: boolean;
}

/** A message as JSON of the contract, every field of it, also where it has its default. */
export function toJsonText<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  space?: number,
): string {
  return JSON.stringify(toJson(schema, message, { alwaysEmitImplicit: true }), undefined, space);
}

const widthMax = 60;

/**
 * Rows under a heading, in columns as wide as their widest cell, and at most 60 wide: a longer cell moves the rest of its
 * own line only. Ends with a line feed.
 */
export function toTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows];
  const widths = heading.map((_title, column) =>
    Math.min(widthMax, Math.max(...lines.map((line) => (line[column] ?? '').length))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

import { toJson } from '@bufbuild/protobuf';
import type { DescMessage, MessageShape } from '@bufbuild/protobuf';

/** A message as JSON of the contract, every field of it, also where it has its default. */
export function toJsonText<Desc extends DescMessage>(
  schema: Desc,
  message: MessageShape<Desc>,
  space?: number,
): string {
  return JSON.stringify(toJson(schema, message, { alwaysEmitImplicit: true }), undefined, space);
}

/** Rows under a heading, in columns as wide as their widest cell; ends with a line feed. */
export function toTable(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading, ...rows];
  const widths = heading.map((_title, column) =>
    Math.max(...lines.map((line) => (line[column] ?? '').length)),
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

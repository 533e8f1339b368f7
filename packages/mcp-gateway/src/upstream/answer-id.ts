import type { LineEnds } from './line-splitter.ts';

const version = String.raw`"jsonrpc"\s*:\s*"2\.0"\s*`;
const id = String.raw`"id"\s*:\s*(\d{1,15})\s*`;
const outcome = String.raw`"(?:result|error)"\s*:`;

/** The id comes first, as most servers write it. */
const idInHead = new RegExp(
  String.raw`^\s*\{\s*(?:${version},\s*)?${id},\s*(?:${version},\s*)?${outcome}`,
);
/** The outcome comes first, so that the id follows it at the end of the line. */
const outcomeInHead = new RegExp(String.raw`^\s*\{\s*(?:${version},\s*)?${outcome}`);
/** Only the outermost object ends the line, and a quote after a comma opens a key: this id is the message's own. */
const idInTail = new RegExp(String.raw`,\s*(?:${version},\s*)?${id}(?:,\s*${version})?\}\s*$`);

/**
 * The id of a JSON-RPC answer of which only the ends are known. A request of the server's own is no answer: its id
 * may be that of a call of ours. Ids that are not numbers are never ours.
 */
export function readAnswerId({ head, tail }: LineEnds): number | undefined {
  if (!/\}\s*$/.test(tail)) return undefined;
  const found = idInHead.exec(head) ?? (outcomeInHead.test(head) ? idInTail.exec(tail) : null);
  return found === null ? undefined : Number(found[1]);
}

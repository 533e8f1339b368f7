import type { ViewIndex } from './view-index.ts';

const lengthMax = 16_384;
const searchHint =
  'There are more tools than fit into a list. Find them with search_tools, read one with describe_tool, run it with call_tool.';

/** What the servers of a view say about themselves, each under its alias; the servers wrote it, so it is untrusted. */
export function readInstructions(index: ViewIndex): string {
  const told = index.servers.filter(({ instructions }) => instructions !== '');
  const isOnly = index.servers.length === 1;
  const texts = told.map(({ alias, instructions }) =>
    isOnly ? instructions : `## ${alias}\n${instructions}`,
  );
  const all = [...(index.isSearched ? [searchHint] : []), ...texts].join('\n\n');
  return all.length <= lengthMax ? all : `${all.slice(0, lengthMax).toWellFormed()}…`;
}

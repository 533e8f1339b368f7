import { joinLabels, plainLabels } from '@modelhost/kernel';
import type { DataLabels, RunSession, ToolDefinition } from '@modelhost/kernel';

/** Of what comes from nobody knows where: it may not be believed, and goes nowhere. */
const unknownLabels: DataLabels = {
  ...plainLabels,
  integrity: 'untrusted',
  sources: ['history'],
  confidentiality: 'secret',
};

/**
 * Of what a model said or called before this run: nobody here knows what it had read by then, so it could say what a third
 * party wrote.
 */
export const saidBeforeLabels: DataLabels = { ...unknownLabels, confidentiality: 'internal' };

/** Of what a tool answers, as its operator declares it. */
export function labelsOfTool({
  integrity,
  server,
  confidentiality = 'internal',
}: ToolDefinition): DataLabels {
  const sources = integrity === 'untrusted' ? [server] : [];
  return { ...plainLabels, integrity, sources, confidentiality };
}

/** Of an error that a tool server words: a server may be believed in its answers only. */
export function labelsOfFailure(tool: ToolDefinition): DataLabels {
  return joinLabels(labelsOfTool(tool), {
    ...plainLabels,
    integrity: 'untrusted',
    sources: [tool.server],
  });
}

/**
 * Of a result that was there before the run: it is what its tool is, as far as that is known; an error could be a server's. In a
 * session a server that has brought in what is untrusted is believed in nothing.
 */
export function labelsOfHistory(
  tool: ToolDefinition | undefined,
  isError: boolean,
  session: RunSession | undefined,
): DataLabels {
  if (tool === undefined) return unknownLabels;
  const isDoubtful = isError || session?.labels.sources.includes(tool.server) === true;
  return isDoubtful ? labelsOfFailure(tool) : labelsOfTool(tool);
}

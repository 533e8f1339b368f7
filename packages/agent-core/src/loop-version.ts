/**
 * Version of the loop in the journals of runs. Raise it with every change of step names, of the order in which things are asked
 * for, or of what a journaled result means: a run goes on only under the version that it was started under.
 */
export const agentLoopVersion = '1';

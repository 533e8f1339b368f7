import { canonicalJson } from '@modelhost/kernel';
import type { JsonObject, ToolDefinition } from '@modelhost/kernel';
import type { Case, PlayedCall } from './case.ts';

/** A tool server and a model of its own, on which one case is played at a time. */
export interface Stage {
  /** Of the tool server. */
  readonly alias: string;
  readonly tools: readonly ToolDefinition[];
  /** Puts the next case on. */
  begin(next: Case): void;
  /** What the model says after so many answers of tools: its next call, or nothing more. */
  next(answers: number): PlayedCall | undefined;
  /** What the tool server answers; undefined when no such call is due, which is a fault of the evaluation. */
  answer(tool: string, values: JsonObject): PlayedCall | undefined;
  /** Indices of the calls that came to the tool server. */
  ran(): ReadonlySet<number>;
}

/** Makes an empty stage. */
export function createStage(alias: string, tools: readonly ToolDefinition[]): Stage {
  let played: Case | undefined;
  let at = -1;
  let ran = new Set<number>();
  return {
    alias,
    tools,
    begin(next) {
      played = next;
      at = -1;
      ran = new Set();
    },
    next(answers) {
      at = answers;
      return played?.calls[answers];
    },
    answer(tool, values) {
      const due = played?.calls[at];
      if (due === undefined || due.tool !== tool || !isSame(due.arguments, values))
        return undefined;
      ran.add(at);
      return due;
    },
    ran: () => ran,
  };
}

/** Whether two calls have the same arguments, in whichever order they are written. */
export function isSame(one: JsonObject, other: JsonObject): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

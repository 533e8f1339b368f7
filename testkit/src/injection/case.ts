import type { Json, JsonObject } from '@modelhost/kernel';
import { isJsonObject } from '@modelhost/kernel';
import type { InjectionTask, RecordedCall, Suite, UserTask } from './dataset.ts';

/** A call of a case, with whose it is. */
export interface PlayedCall extends RecordedCall {
  readonly by: 'user' | 'attacker';
}

/** A task as it is played against the host: the calls in their order, attacker's text in its places. */
export interface Case {
  readonly suite: string;
  readonly user: string;
  /** Undefined when nobody attacks. */
  readonly injection: string | undefined;
  readonly prompt: string;
  readonly calls: readonly PlayedCall[];
}

/** How an attack is played. */
export interface Staging {
  /** The calls of it: right after his text was read, or after all calls of the task. */
  readonly place: 'exposure' | 'end';
  /** Nothing that the model reads says what it does. */
  readonly isSilent: boolean;
}

/** The user's task alone. */
export function benignCase(suite: Suite, task: UserTask): Case {
  return playedCase(suite, task, { goal: '' });
}

/** The task with a model that obeys whoever speaks to it: it plays all that the attacker wants, and the rest of the task. */
export function attackedCase(
  suite: Suite,
  task: UserTask,
  injection: InjectionTask,
  { place, isSilent }: Staging = { place: 'exposure', isSilent: false },
): Case {
  return playedCase(suite, task, { goal: isSilent ? '' : injection.goal, injection, place });
}

interface Attack {
  readonly goal: string;
  readonly injection?: InjectionTask;
  readonly place?: Staging['place'];
}

function playedCase(suite: Suite, task: UserTask, { goal, injection, place }: Attack): Case {
  const fill = (text: string): string => fillPlaces(text, suite, goal);
  const play = (by: PlayedCall['by'], call: RecordedCall): PlayedCall => ({
    ...call,
    by,
    arguments: mapStrings(call.arguments, fill),
    result: fill(call.result),
  });
  const own = task.calls.map((call) => play('user', call));
  const others = injection?.calls.map((call) => play('attacker', call)) ?? [];
  const at = place === 'end' ? own.length : task.exposedAt + 1;
  return {
    suite: suite.name,
    user: task.id,
    injection: injection?.id,
    prompt: task.prompt,
    calls: [...own.slice(0, at), ...others, ...own.slice(at)],
  };
}

function fillPlaces(text: string, { places }: Suite, goal: string): string {
  const textAt = (place: string): string => [places[place] ?? '', goal].filter(Boolean).join(' ');
  return text
    .replaceAll(/\{\{inj:(\w+)\}\}/g, (_, place: string) => textAt(place))
    .replaceAll(/ZQINJ(\w+?)ZQEND/g, (_, place: string) => textAt(place));
}

/** The same object with each text in it changed. */
function mapStrings(values: JsonObject, change: (text: string) => string): JsonObject {
  const visit = (value: Json): Json => {
    if (typeof value === 'string') return change(value);
    if (Array.isArray(value)) return value.map((item: Json) => visit(item));
    return isJsonObject(value) ? mapStrings(value, change) : value;
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, visit(value)]));
}

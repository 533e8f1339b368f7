/** A day, and perhaps a time of it, as an argument says it. */
export interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  /** Minutes after midnight. */
  readonly minutes: number | undefined;
}

const months = [
  ['january', 'jan'],
  ['february', 'feb'],
  ['march', 'mar'],
  ['april', 'apr'],
  ['may', 'may'],
  ['june', 'jun'],
  ['july', 'jul'],
  ['august', 'aug'],
  ['september', 'sep'],
  ['october', 'oct'],
  ['november', 'nov'],
  ['december', 'dec'],
] as const;
/** Names of months, as a part of a pattern. */
export const monthName: string = months.flat().join('|');
const mention = new RegExp(
  String.raw`(?<![\w./-])(?:(?<isoYear>\d{4})-(?<isoMonth>\d{2})-(?<isoDay>\d{2})` +
    String.raw`|(?<monthFirst>${monthName})\.? (?<dayAfter>\d{1,2})(?:st|nd|rd|th)?(?:,? (?<yearA>\d{4}))?` +
    String.raw`|(?<dayBefore>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?<monthAfter>${monthName})\.?(?:,? (?<yearB>\d{4}))?)(?![\w-])`,
  'gu',
);
const time =
  /(?<![\w:.])(?:(?<hour>\d{1,2}):(?<minute>\d{2})(?::00)?(?: ?(?<half>am|pm))?|(?<onlyHour>\d{1,2}) ?(?<onlyHalf>am|pm))(?![\w:])/gu;
/** How far from its day a time may stand. */
const reach = 48;

/** The moment of a value that is one in ISO 8601, to the minute; undefined for any other. */
export function readMoment(value: string): Moment | undefined {
  const parts =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::00(?:\.0+)?)?)?$/.exec(value) ?? undefined;
  if (parts === undefined) return undefined;
  const [year = 0, month = 0, day = 0, hour, minute] = parts.slice(1).map(Number);
  if (parts[4] === undefined) return { year, month, day, minutes: undefined };
  return { year, month, day, minutes: (hour ?? 0) * 60 + (minute ?? 0) };
}

/** The days that a text names: minutes after midnight of the times near each, by the day, which may have no year. */
export type Mentions = ReadonlyMap<string, ReadonlySet<number>>;

/**
 * The days that a folded text names, in any spelling that names the month or is ISO: numbers alone could be month or day
 * first.
 */
export function mentionsIn(folded: string): Mentions {
  const mentions = new Map<string, Set<number>>();
  for (const match of folded.matchAll(mention)) {
    const start = Math.max(0, match.index - reach);
    const end = match.index + match[0].length;
    const around = `${folded.slice(start, match.index)} ; ${folded.slice(end, end + reach)}`;
    const key = keyOf(dayOf(match.groups ?? {}));
    const times = mentions.get(key) ?? new Set();
    for (const { groups } of around.matchAll(time)) {
      const minutes = minutesOf(groups ?? {});
      if (minutes !== undefined) times.add(minutes);
    }
    mentions.set(key, times);
  }
  return mentions;
}

/** Whether the moment is among the mentions of a text. A day without a year fits every year. */
export function hasMoment(moment: Moment, mentions: Mentions): boolean {
  return [moment.year, undefined].some((year) => {
    const times = mentions.get(keyOf({ ...moment, year }));
    return times !== undefined && (moment.minutes === undefined || times.has(moment.minutes));
  });
}

interface Day {
  readonly year: number | undefined;
  readonly month: number;
  readonly day: number;
}

function keyOf({ year, month, day }: Day): string {
  return `${year ?? ''}-${month}-${day}`;
}

type Groups = Readonly<Record<string, string | undefined>>;

function dayOf(groups: Groups): Day {
  const year = groups['isoYear'] ?? groups['yearA'] ?? groups['yearB'];
  const name = groups['monthFirst'] ?? groups['monthAfter'];
  const month =
    name === undefined
      ? Number(groups['isoMonth'])
      : months.findIndex((names) => names.some((each) => each === name)) + 1;
  const day = Number(groups['isoDay'] ?? groups['dayAfter'] ?? groups['dayBefore']);
  return { year: year === undefined ? undefined : Number(year), month, day };
}

function minutesOf(groups: Groups): number | undefined {
  const hour = Number(groups['hour'] ?? groups['onlyHour']);
  const half = groups['half'] ?? groups['onlyHalf'];
  if (half !== undefined && (hour < 1 || hour > 12)) return undefined;
  const hours = half === undefined ? hour : (hour % 12) + (half === 'pm' ? 12 : 0);
  return hours * 60 + Number(groups['minute'] ?? 0);
}

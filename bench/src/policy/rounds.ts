/** Subjects in turn, round after round, so that a slow moment of the machine meets all of them. */
import { median, percentile } from '../figures.ts';
import { isAllowed, type Company, type Draft } from './company.ts';
import type { Decide } from './subjects.ts';

/** Something that is measured with the requests of a company. */
export interface Subject {
  readonly name: string;
  readonly company: Company;
  readonly drafts: readonly Draft[];
  readonly decide: Decide;
  /** Whether each request comes again and again, so that it may be answered from memory. */
  readonly isRepeated: boolean;
  /** Whether the first of each request costs more, so that all come once before anything is measured. */
  readonly isPrepared: boolean;
}

/** Medians over the rounds. */
export interface Row {
  readonly subject: Subject;
  readonly p50Micros: number;
  readonly cpuMicros: number;
  /** Of the round in which the machine disturbed least. */
  readonly cpuMicrosLowest: number;
  /** Of each round, for ratios within a round. */
  readonly cpuRounds: readonly number[];
  /** Answers that differ from what the company's rules say. */
  readonly wrong: number;
}

interface Round {
  readonly p50Micros: number;
  readonly cpuMicros: number;
  readonly wrong: number;
}

/** `roundMs`: a subject stops there if it is not through with its requests once, and goes on until then if it is. */
export async function measureRounds(
  subjects: readonly Subject[],
  { rounds, roundMs }: { readonly rounds: number; readonly roundMs: number },
): Promise<readonly Row[]> {
  const counter = { amount: 0 };
  for (const subject of subjects) {
    await measure(subject, roundMs, counter);
    if (!subject.isPrepared) continue;
    for (const draft of subject.drafts) await subject.decide(draft, (counter.amount += 1));
  }
  const measured = new Map<Subject, Round[]>(subjects.map((subject) => [subject, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const subject of subjects) {
      measured.get(subject)?.push(await measure(subject, roundMs, counter));
    }
  }
  return [...measured].map(([subject, each]) => {
    const cpuRounds = each.map(({ cpuMicros }) => cpuMicros);
    return {
      subject,
      p50Micros: median(each.map(({ p50Micros }) => p50Micros)),
      cpuMicros: median(cpuRounds),
      cpuMicrosLowest: Math.min(...cpuRounds),
      cpuRounds,
      wrong: each.reduce((sum, { wrong }) => sum + wrong, 0),
    };
  });
}

async function measure(
  { company, drafts, decide, isRepeated }: Subject,
  roundMs: number,
  counter: { amount: number },
): Promise<Round> {
  const micros: number[] = [];
  const checks: (readonly [Draft, number, boolean])[] = [];
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  for (let index = 0; performance.now() - start < roundMs; index += 1) {
    const draft = drafts[index % drafts.length];
    if (draft === undefined) break;
    counter.amount += 1;
    // Both sides of every limit, and never the same twice.
    const number = isRepeated ? index % drafts.length : counter.amount;
    const amount = number % 2 === 0 ? -number : 1_000_000 + number;
    const begun = performance.now();
    const allowed = await decide(draft, amount);
    micros.push((performance.now() - begun) * 1_000);
    if (index < drafts.length) checks.push([draft, amount, allowed]);
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    p50Micros: percentile(micros, 0.5),
    cpuMicros: (user + system) / micros.length,
    wrong: checks.filter(
      ([draft, amount, allowed]) => isAllowed(company, draft, amount) !== allowed,
    ).length,
  };
}

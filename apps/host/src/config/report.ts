import type { ConfigPath, ConfigProblem, ConfigSource } from './source.ts';

/** Collects what is wrong, each at the place where it was written. */
export interface Report {
  readonly problems: ConfigProblem[];
  add(path: ConfigPath, message: string): void;
}

/** Starts with nothing wrong. */
export function createReport(source: ConfigSource): Report {
  const problems: ConfigProblem[] = [];
  return {
    problems,
    add: (path, message) => {
      problems.push({ where: source.whereIs(path), key: keyOf(path), message });
    },
  };
}

/** A path as people write it: `providers[0].models[1].id`. */
export function keyOf(path: ConfigPath): string {
  return path.reduce<string>(
    (key, part) =>
      typeof part === 'number' ? `${key}[${part}]` : key === '' ? part : `${key}.${part}`,
    '',
  );
}

/** Appends a sequence to pairs of the first and how many follow on it. */
export function addSequence(pairs: number[], sequence: number): void {
  const [first, count] = [pairs.at(-2), pairs.at(-1)];
  if (first !== undefined && count !== undefined && sequence === first + count) {
    pairs[pairs.length - 1] = count + 1;
  } else {
    pairs.push(sequence, 1);
  }
}

/** The sequences of such pairs, one by one. */
export function listSequences(pairs: readonly number[]): readonly number[] {
  const sequences: number[] = [];
  for (let index = 0; index + 1 < pairs.length; index += 2) {
    const [first = 0, count = 0] = [pairs[index], pairs[index + 1]];
    for (let offset = 0; offset < count; offset += 1) sequences.push(first + offset);
  }
  return sequences;
}

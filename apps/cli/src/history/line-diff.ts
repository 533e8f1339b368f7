/** A line of two texts: in both, or only in the old or the new one. */
export interface DiffLine {
  readonly sign: ' ' | '-' | '+';
  readonly text: string;
}

/** Lines of each text beyond which the rest is compared line by line. */
const comparedMax = 2_000;

/** The fewest lines that make the new text of the old one; what went stands before what came. */
export function diffLines(old: readonly string[], now: readonly string[]): readonly DiffLine[] {
  const rest = diffAligned(old.slice(comparedMax), now.slice(comparedMax));
  return [...diffShort(old.slice(0, comparedMax), now.slice(0, comparedMax)), ...rest];
}

function diffAligned(old: readonly string[], now: readonly string[]): readonly DiffLine[] {
  const length = Math.max(old.length, now.length);
  return Array.from({ length }, (_, index) => [old[index], now[index]] as const).flatMap(
    ([one, other]): readonly DiffLine[] => {
      if (one === other) return one === undefined ? [] : [{ sign: ' ', text: one }];
      return [
        ...(one === undefined ? [] : [{ sign: '-', text: one } as const]),
        ...(other === undefined ? [] : [{ sign: '+', text: other } as const]),
      ];
    },
  );
}

function diffShort(old: readonly string[], now: readonly string[]): readonly DiffLine[] {
  const common = commonLengths(old, now);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [one, other] = [old[i], now[j]];
    if (one !== undefined && one === other) {
      lines.push({ sign: ' ', text: one });
      i += 1;
      j += 1;
    } else if (one !== undefined && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0)) {
      lines.push({ sign: '-', text: one });
      i += 1;
    } else {
      lines.push({ sign: '+', text: other ?? '' });
      j += 1;
    }
  }
  return lines;
}

/** By place in both: how many lines from there on are in both, in their order. */
function commonLengths(old: readonly string[], now: readonly string[]): readonly Uint16Array[] {
  const table = Array.from({ length: old.length + 1 }, () => new Uint16Array(now.length + 1));
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      const row = table[i];
      if (row === undefined) continue;
      const isSame = old[i] === now[j];
      const [below, right] = [table[i + 1]?.[j] ?? 0, row[j + 1] ?? 0];
      row[j] = isSame ? (table[i + 1]?.[j + 1] ?? 0) + 1 : Math.max(below, right);
    }
  }
  return table;
}

import { PatternUnsupported } from './pattern-syntax.ts';
import type { Edge, PatternNode } from './pattern-syntax.ts';

/** One thing to do on the way through a pattern; what follows it is the next of the program, but for forks. */
export type Instruction =
  | { readonly op: 'atom'; readonly fits: (character: string) => boolean }
  | { readonly op: 'fork'; readonly targets: readonly number[] }
  | { readonly op: 'edge'; readonly edge: Edge }
  | { readonly op: 'look'; readonly program: Program; readonly isNegated: boolean }
  | { readonly op: 'match' };

/** Instructions from the first to a `match` at the end. */
export type Program = readonly Instruction[];

const instructionsMax = 5_000;

/** The program of a pattern. Throws `PatternUnsupported` past 5,000 instructions, counted repetitions written out. */
export function compilePattern(root: PatternNode, flags: string): Program {
  let size = 0;

  function grow(): void {
    size += 1;
    if (size > instructionsMax) throw new PatternUnsupported('the pattern is too large');
  }

  return compileNode(root, { flags, grow });
}

interface Compiler {
  readonly flags: string;
  /** Counts one more instruction of the whole pattern. */
  readonly grow: () => void;
}

function compileNode(node: PatternNode, compiler: Compiler): Program {
  const program: Instruction[] = [];

  function emit(instruction: Instruction): number {
    compiler.grow();
    return program.push(instruction) - 1;
  }

  function fork(at: number, targets: readonly number[]): void {
    program[at] = { op: 'fork', targets };
  }

  function write(part: PatternNode): void {
    switch (part.type) {
      case 'atom': {
        const expression = new RegExp(`^(?:${part.source})$`, compiler.flags);
        emit({ op: 'atom', fits: (character) => expression.test(character) });
        return;
      }
      case 'sequence':
        for (const item of part.items) write(item);
        return;
      case 'choice':
        writeChoice(part.options);
        return;
      case 'repeat':
        writeRepeat(part);
        return;
      case 'edge':
        emit({ op: 'edge', edge: part.edge });
        return;
      case 'look':
        emit({ op: 'look', program: compileNode(part.item, compiler), isNegated: part.isNegated });
    }
  }

  function writeChoice(options: readonly PatternNode[]): void {
    const entry = emit({ op: 'fork', targets: [] });
    const starts: number[] = [];
    const exits: number[] = [];
    for (const option of options) {
      starts.push(program.length);
      write(option);
      exits.push(emit({ op: 'fork', targets: [] }));
    }
    fork(entry, starts);
    for (const exit of exits) fork(exit, [program.length]);
  }

  function writeRepeat({ item, min, max }: PatternNode & { readonly type: 'repeat' }): void {
    for (let count = 0; count < min; count += 1) {
      // An empty item writes nothing, so its repetitions are counted by themselves.
      compiler.grow();
      write(item);
    }
    const entries: number[] = [];
    const optionalCopies = max === Infinity ? 1 : max - min;
    for (let count = 0; count < optionalCopies; count += 1) {
      entries.push(emit({ op: 'fork', targets: [] }));
      write(item);
    }
    const [first = program.length] = entries;
    if (max === Infinity) emit({ op: 'fork', targets: [first] });
    for (const entry of entries) fork(entry, [entry + 1, program.length]);
  }

  write(node);
  emit({ op: 'match' });
  return program;
}

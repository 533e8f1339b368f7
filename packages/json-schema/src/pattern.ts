import { compilePattern } from './pattern-program.ts';
import type { Instruction, Program } from './pattern-program.ts';
import { readPattern } from './pattern-syntax.ts';
import type { Edge } from './pattern-syntax.ts';
import type { Work } from './work.ts';

/**
 * The test of a regular expression (JavaScript syntax; no back references, no looking back) in time that grows with
 * pattern times text and never exponentially: all ways through the pattern are followed at once, character by
 * character, and each costs a unit of work. Throws `PatternUnsupported`, or `SyntaxError` for what is no pattern.
 */
export function createPatternTest(source: string, work: Work): (text: string) => boolean {
  const flags = hasUnicodeSyntax(source) ? 'u' : '';
  const program = compilePattern(readPattern(source, flags === 'u'), flags);
  return (text) => {
    work.spend(text.length >> 4);
    const characters = flags === 'u' ? Array.from(text) : text.split('');
    return isFound(program, { characters, work, from: 0, isAnchored: false });
  };
}

/** Patterns are Unicode ones by the specification; many in the wild escape more than that syntax allows. */
function hasUnicodeSyntax(source: string): boolean {
  try {
    return new RegExp(source, 'u').unicode;
  } catch {
    // Throws again for what is no pattern in either syntax.
    return new RegExp(source).unicode;
  }
}

interface Search {
  readonly characters: readonly string[];
  readonly work: Work;
  readonly from: number;
  /** Whether the match has to begin at `from`. */
  readonly isAnchored: boolean;
}

function isFound(program: Program, search: Search): boolean {
  const { characters, work } = search;
  work.spend(program.length >> 4);
  // For each instruction, the position at which it was last reached: each is followed once per character.
  const reachedAt = new Int32Array(program.length).fill(-1);
  let waiting: number[] = [];

  /** Follows everything that needs no character from `start`; true when the match is reached. */
  function follow(start: number, position: number, atoms: number[]): boolean {
    const open = [start];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (reachedAt[next] === position) continue;
      reachedAt[next] = position;
      work.spend(1);
      const instruction = program[next];
      if (instruction === undefined || instruction.op === 'match') return true;
      if (instruction.op === 'atom') atoms.push(next);
      else if (instruction.op === 'fork') open.push(...instruction.targets);
      else if (isPassed(instruction, position)) open.push(next + 1);
    }
    return false;
  }

  function isPassed(
    instruction: Instruction & { readonly op: 'edge' | 'look' },
    position: number,
  ): boolean {
    if (instruction.op === 'edge') return isEdge(instruction.edge, characters, position);
    const ahead = isFound(instruction.program, {
      characters,
      work,
      from: position,
      isAnchored: true,
    });
    return ahead !== instruction.isNegated;
  }

  for (let position = search.from; position <= characters.length; position += 1) {
    const atoms: number[] = [];
    for (const ready of waiting) if (follow(ready, position, atoms)) return true;
    const mayBegin = !search.isAnchored || position === search.from;
    if (mayBegin && follow(0, position, atoms)) return true;
    const character = characters[position];
    if (character === undefined) return false;
    if (atoms.length === 0 && search.isAnchored) return false;
    waiting = atoms.filter((atom) => isFitting(program[atom], character)).map((atom) => atom + 1);
  }
  return false;
}

function isFitting(instruction: Instruction | undefined, character: string): boolean {
  return instruction?.op === 'atom' && instruction.fits(character);
}

function isEdge(edge: Edge, characters: readonly string[], position: number): boolean {
  switch (edge) {
    case 'start':
      return position === 0;
    case 'end':
      return position === characters.length;
    case 'word':
      return isWord(characters[position - 1]) !== isWord(characters[position]);
    case 'not-word':
      return isWord(characters[position - 1]) === isWord(characters[position]);
  }
}

function isWord(character: string | undefined): boolean {
  return character !== undefined && /^\w$/.test(character);
}

/** Bounds of policy text. Past them the policies are refused when they are loaded. */
export const textBounds = {
  files: 256,
  fileBytes: 4_194_304,
  totalBytes: 8_388_608,
  /** In each of the two sets of a rule set. */
  rules: 10_000,
  ruleTokens: 2000,
  ruleBytes: 16_384,
  // Cedar overflows its stack, for good, on about 118 nested brackets, 367 chained signs or 772 chained `if`.
  nesting: 32,
  conditionals: 32,
  /** Signs that a value is chained with, such as dots and pluses, in all brackets around a place together. */
  chain: 64,
  /** Of one pattern of `like`: it is tried at every place of a text, for as long as it is. */
  patternLength: 256,
  patternStars: 16,
  messageLength: 500,
  /** Names in the list of one annotation. */
  names: 32,
} as const;

/** Bounds of a question. Past them the answer is deny. */
export const questionBounds = {
  /** Text of all keys and strings of the arguments, in UTF-16 units. */
  argumentLength: 1_048_576,
  /** Members and elements of the arguments, at all levels. */
  argumentParts: 2000,
  argumentDepth: 16,
  roles: 64,
  /** Members of each set in the context. */
  names: 2000,
  /** Rule sets that decide together. */
  ruleSets: 8,
  /** Reasons that an answer gives, the first in the order of their rules. */
  reasons: 32,
} as const;

/** Bounds of what a tool's schema becomes. Deeper or further parts stay invisible to policy. */
export const schemaBounds = { depth: 8, properties: 256 } as const;

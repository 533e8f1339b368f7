/** One thing that an answer lists: its members that are plain values, as text. An item without members has one, `*`. */
export type AnswerRecord = ReadonlyMap<string, string>;

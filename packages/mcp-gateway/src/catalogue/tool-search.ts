import MiniSearch from 'minisearch';
import { isJsonObject } from '@modelhost/kernel';
import type { Json, JsonObject, ToolMatch } from '@modelhost/kernel';
import type { CatalogueTool } from './catalogue-tool.ts';
import { compare } from './listed-tools.ts';

/** Finds tools by what they are called, what they do and what they take. */
export interface ToolSearch {
  /** The best first, equally good ones by name. */
  search(query: string, names: readonly string[], limit: number): readonly ToolMatch[];
}

const queryLengthMax = 512;
const queryTermsMax = 32;
const termLengthMax = 32;
const textLengthMax = 4_096;
const argumentsMax = 128;
const depthMax = 8;

/** BM25 over these tools as they are now. */
export function createToolSearch(tools: readonly CatalogueTool[]): ToolSearch {
  const byName = new Map(tools.map(({ definition }) => [definition.name, definition]));
  const find = createToolFinder(
    tools.map(({ definition, relay }) => ({ ...definition, title: relay.listed['title'] })),
  );

  function search(query: string, names: readonly string[], limit: number): readonly ToolMatch[] {
    const wanted = new Set(names);
    return find(query, (name) => wanted.has(name))
      .flatMap(({ name, score }) => {
        const tool = byName.get(name);
        return tool === undefined ? [] : [{ tool, score }];
      })
      .slice(0, Math.max(0, limit));
  }

  return { search };
}

/** A tool as it is searched. */
export interface SearchedTool {
  readonly name: string;
  readonly title: Json | undefined;
  readonly description: string;
  readonly inputSchema: JsonObject;
}

/** The best first, equally good ones by name. */
export type ToolFinder = (
  query: string,
  isWanted?: (name: string) => boolean,
) => readonly { readonly name: string; readonly score: number }[];

/** Indexes tools that have names of their own choosing. */
export function createToolFinder(tools: readonly SearchedTool[]): ToolFinder {
  const index = new MiniSearch<Document>({
    idField: 'name',
    fields: ['name', 'title', 'description', 'arguments'],
    tokenize: termsOf,
    processTerm: (term) => term,
    searchOptions: {
      tokenize: (query) => termsOf(query.slice(0, queryLengthMax)).slice(0, queryTermsMax),
      boost: { name: 3, title: 2 },
      // A part of a word is as good a guess as a similar word; short ones would fit everything.
      prefix: (term) => term.length > 3,
      fuzzy: (term) => (term.length > 4 ? 0.2 : false),
    },
  });
  // Sums of scores depend on their order in the last digit, so the order is always the same.
  index.addAll(tools.map(documentOf).sort((left, right) => compare(left.name, right.name)));

  return (query, isWanted = () => true) =>
    index
      .search(query, { filter: ({ id }) => isWanted(String(id)) })
      .map(({ id, score }) => ({ name: String(id), score }))
      .sort((left, right) => right.score - left.score || compare(left.name, right.name));
}

interface Document {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly arguments: string;
}

function documentOf({ name, title, description, inputSchema }: SearchedTool): Document {
  return {
    name,
    title: typeof title === 'string' ? title.slice(0, textLengthMax) : '',
    description: description.slice(0, textLengthMax),
    arguments: argumentsOf(inputSchema).join(' ').slice(0, textLengthMax),
  };
}

/** Names and descriptions of the arguments, those within arguments too. */
function argumentsOf(schema: JsonObject): readonly string[] {
  const texts: string[] = [];

  function visit(value: Json | undefined, depth: number): void {
    if (!isJsonObject(value) || depth > depthMax) return;
    const { properties, items } = value;
    visit(items, depth + 1);
    if (!isJsonObject(properties)) return;
    for (const [name, property] of Object.entries(properties)) {
      if (texts.length >= argumentsMax) return;
      texts.push(name);
      if (isJsonObject(property) && typeof property['description'] === 'string') {
        texts.push(property['description']);
      }
      visit(property, depth + 1);
    }
  }

  visit(schema, 0);
  return texts;
}

/** Words in lower case: `readTextFile`, `read_text_file` and `Read text file` have the same ones. */
function termsOf(text: string): string[] {
  const words = text.match(/\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{M}]+|\p{N}+/gu) ?? [];
  return words
    .map((word) => word.toLowerCase().slice(0, termLengthMax))
    .filter((word) => !fillers.has(word))
    .map(singularOf);
}

/** Words that are in every sentence and so say nothing of a tool. */
const fillers = new Set(
  'a an and are as at be by can do for from i in into is it its my of on or that the this to use using with you your'.split(
    ' ',
  ),
);

/** English only, and only roughly: the same for tools and for queries is all that counts. */
function singularOf(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  return word.length > 3 && word.endsWith('s') && !word.endsWith('ss') ? word.slice(0, -1) : word;
}

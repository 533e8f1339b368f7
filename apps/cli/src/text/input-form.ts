import { parseJsonText } from '@modelhost/kernel';
/** A field of a form that a tool server asks a person to fill in. */
export interface FormField {
  readonly name: string;
  readonly type: 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'choices';
  readonly title: string;
  readonly description: string;
  readonly isRequired: boolean;
  /** What is taken when nothing is typed; undefined for nothing. */
  readonly preset: unknown;
  /** What may be chosen; empty for other types. */
  readonly choices: readonly Choice[];
}

/** A value that may be chosen, and how it is shown. */
export interface Choice {
  readonly value: string;
  readonly title: string;
}

/** What kind of value a field takes, in words. */
export const fieldKinds: Readonly<Record<FormField['type'], string>> = {
  text: 'text',
  number: 'number',
  integer: 'whole number',
  boolean: 'yes or no',
  choice: 'one of these',
  choices: 'some of these, with commas between',
};

/** A line that was typed, as a value of its field; or what is wrong with it. */
export type FieldReading =
  | { readonly kind: 'value'; readonly value: unknown }
  /** Nothing was typed, and nothing has to be. */
  | { readonly kind: 'left-out' }
  | { readonly kind: 'wrong'; readonly problem: string };

/** The fields of a schema as hosts send it; undefined for one that only newer hosts know. */
export function readForm(schemaJson: string): readonly FormField[] | undefined {
  const schema = readObject(parse(schemaJson));
  const properties = readObject(schema?.['properties']);
  if (schema === undefined || properties === undefined) return undefined;
  const required: unknown = schema['required'];
  const fields = Object.entries(properties).map(([name, property]) =>
    readField(name, property, Array.isArray(required) && required.includes(name)),
  );
  const known = fields.filter((field) => field !== undefined);
  return known.length < fields.length ? undefined : known;
}

function readField(name: string, property: unknown, isRequired: boolean): FormField | undefined {
  const schema = readObject(property);
  if (schema === undefined) return undefined;
  const choices = choicesOf(schema['type'] === 'array' ? schema['items'] : schema);
  const type = typeOf(schema['type'], choices.length > 0);
  if (type === undefined) return undefined;
  const title = textOf(schema['title']);
  const description = textOf(schema['description']);
  return { name, type, title, description, isRequired, preset: schema['default'], choices };
}

function typeOf(type: unknown, hasChoices: boolean): FormField['type'] | undefined {
  if (type === 'string') return hasChoices ? 'choice' : 'text';
  if (type === 'array') return hasChoices ? 'choices' : undefined;
  return type === 'number' || type === 'integer' || type === 'boolean' ? type : undefined;
}

function choicesOf(given: unknown): readonly Choice[] {
  const schema = readObject(given);
  const plain: unknown = schema?.['enum'];
  const names: unknown = schema?.['enumNames'];
  if (Array.isArray(plain)) {
    return plain.map((value: unknown, index) => ({
      value: textOf(value),
      title: Array.isArray(names) ? textOf(names[index]) : '',
    }));
  }
  const titled: unknown = schema?.['oneOf'] ?? schema?.['anyOf'];
  if (!Array.isArray(titled)) return [];
  return titled.map((item: unknown) => {
    const option = readObject(item);
    return { value: textOf(option?.['const']), title: textOf(option?.['title']) };
  });
}

/** Reads what a person typed for a field. The host checks the whole again. */
export function readLine(field: FormField, line: string): FieldReading {
  const text = line.trim();
  if (text === '' && field.preset !== undefined) return { kind: 'value', value: field.preset };
  if (text === '') {
    return field.isRequired ? wrong('it has to be given') : { kind: 'left-out' };
  }
  switch (field.type) {
    case 'text':
      return { kind: 'value', value: text };
    case 'number':
    case 'integer':
      return readNumber(text, field.type);
    case 'boolean':
      return readBoolean(text);
    case 'choice':
      return readChoice(field, text);
    case 'choices':
      return readChoices(field, text);
  }
}

function readNumber(text: string, type: 'number' | 'integer'): FieldReading {
  const value = Number(text);
  const isFit = type === 'number' ? Number.isFinite(value) : Number.isSafeInteger(value);
  if (isFit) return { kind: 'value', value };
  return wrong(type === 'number' ? 'write a number' : 'write a whole number');
}

function readBoolean(text: string): FieldReading {
  if (/^(?:y|yes|true)$/i.test(text)) return { kind: 'value', value: true };
  if (/^(?:n|no|false)$/i.test(text)) return { kind: 'value', value: false };
  return wrong('write yes or no');
}

function readChoice({ choices }: FormField, text: string): FieldReading {
  const chosen =
    choices.find(({ value }) => value === text) ?? choices.find(({ title }) => title === text);
  if (chosen !== undefined && text !== '') return { kind: 'value', value: chosen.value };
  return wrong(`write one of ${choices.map(({ value }) => value).join(', ')}`);
}

function readChoices(field: FormField, text: string): FieldReading {
  const readings = text.split(',').map((part) => readChoice(field, part.trim()));
  const refused = readings.find(({ kind }) => kind !== 'value');
  if (refused !== undefined) return refused;
  const values = readings.map((reading) => (reading.kind === 'value' ? reading.value : undefined));
  return { kind: 'value', value: values };
}

function wrong(problem: string): FieldReading {
  return { kind: 'wrong', problem };
}

function parse(text: string): unknown {
  try {
    return parseJsonText(text);
  } catch {
    return undefined;
  }
}

function readObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
  return isObject ? { ...value } : undefined;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

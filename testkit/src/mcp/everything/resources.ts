/** The resources of the fixture. */
import {
  ResourceNotFoundError,
  type ReadResourceResult,
  type Resource,
  type ResourceTemplateType,
} from '@modelcontextprotocol/server';
import { pngBase64 } from './media.ts';

/** The resources that are listed. */
export const resources: readonly Resource[] = [
  {
    uri: 'test://static-text',
    name: 'static-text',
    description: 'A text',
    mimeType: 'text/plain',
  },
  {
    uri: 'test://static-binary',
    name: 'static-binary',
    description: 'An image',
    mimeType: 'image/png',
  },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    description: 'A text that may change',
    mimeType: 'text/plain',
  },
];

/** The one template. */
export const resourceTemplates: readonly ResourceTemplateType[] = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template',
    description: 'Data by its id',
    mimeType: 'application/json',
  },
];

/** Reads a resource, listed or from the template. Throws for any other. */
export function readResource(uri: string): ReadResourceResult {
  switch (uri) {
    case 'test://static-text':
      return textContents(uri, 'text/plain', 'This is the content of the static text resource.');
    case 'test://static-binary':
      return { contents: [{ uri, mimeType: 'image/png', blob: pngBase64 }] };
    case 'test://watched-resource':
      return textContents(uri, 'text/plain', 'Watched resource content');
  }
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) throw new ResourceNotFoundError(uri);
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return textContents(uri, 'application/json', JSON.stringify(data));
}

function textContents(uri: string, mimeType: string, text: string): ReadResourceResult {
  return { contents: [{ uri, mimeType, text }] };
}

/** Whether a `Content-Type` is JSON in UTF-8. */
export function isJson(contentType: string | undefined): boolean {
  const [type, ...parameters] = (contentType ?? '').toLowerCase().split(';');
  if (type?.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name, value] = parameter.split('=');
    return name?.trim() !== 'charset' || /^"?utf-?8"?$/.test(value?.trim() ?? '');
  });
}

/** Whether a client takes JSON. Without `Accept` it takes everything. */
export function acceptsJson(accept: string | undefined): boolean {
  return accepts(accept, 'application/json');
}

/** Whether a client takes a stream of events. */
export function acceptsEvents(accept: string | undefined): boolean {
  return accepts(accept, 'text/event-stream');
}

function accepts(accept: string | undefined, type: string): boolean {
  if (accept === undefined || accept === '') return true;
  const group = `${type.split('/', 1)[0] ?? ''}/*`;
  return accept.split(',').some((part) => {
    const name = part.split(';', 1)[0]?.trim().toLowerCase();
    return name === type || name === group || name === '*/*';
  });
}

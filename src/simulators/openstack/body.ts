import type { z } from 'zod';
import { badRequest, neutronError, type Refusal, type Service } from './errors.js';

/** What a service says of a body that does not fit: its first complaint only, in the words of that service. */
export function bodyRefusal(service: Service, error: z.ZodError, body: unknown): Refusal {
  const issue = error.issues[0];
  if (issue === undefined) return badRequest('Malformed request body');
  const path = issue.path.map(String);
  const value = valueAt(body, path);
  const name = path.at(-1) ?? '';
  if (service === 'neutron') {
    const text =
      issue.code === 'unrecognized_keys'
        ? `Unrecognized attribute(s) '${issue.keys.join(', ')}'`
        : value === undefined
          ? `Failed to parse request. Required attribute '${name}' not specified`
          : `Invalid input for ${name}. Reason: ${reason(issue, value)}.`;
    return neutronError(400, 'HTTPBadRequest', text);
  }
  const isMissing = value === undefined && issue.code !== 'unrecognized_keys';
  const field = (isMissing ? path.slice(0, -1) : path).join('/');
  const complaint =
    issue.code === 'unrecognized_keys'
      ? `Additional properties are not allowed ('${issue.keys.join("', '")}' was unexpected)`
      : isMissing
        ? `'${name}' is a required property`
        : reason(issue, value);
  if (field === '') return badRequest(complaint);
  return badRequest(
    `Invalid input for field/attribute ${field}. Value: ${pythonText(valueAt(body, field.split('/')))}. ${complaint}`,
  );
}

function reason(issue: z.core.$ZodIssue, value: unknown): string {
  const shown = pythonText(value);
  switch (issue.code) {
    case 'invalid_type':
      return `${shown} is not of type '${issue.expected}'`;
    case 'too_small':
      return `${shown} is too short`;
    case 'too_big':
      return `${shown} is too long`;
    case 'custom':
      return issue.message;
    default:
      return `${shown} is not valid under any of the given schemas`;
  }
}

function valueAt(body: unknown, path: string[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined),
    body,
  );
}

/** As Python prints it, since the services do. */
function pythonText(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return `'${value}'`;
  if (Array.isArray(value)) return `[${value.map(pythonText).join(', ')}]`;
  if (typeof value === 'object') {
    return `{${Object.entries(value)
      .map(([key, inner]) => `'${key}': ${pythonText(inner)}`)
      .join(', ')}}`;
  }
  return String(value as number);
}

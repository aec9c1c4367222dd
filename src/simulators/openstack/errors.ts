import type { JsonObject } from '../../json.js';

export type Service = 'keystone' | 'nova' | 'cinder' | 'neutron' | 'glance';

/** A refusal; each service prints it in its own shape (openstack.md, "Error bodies"). */
export class Refusal extends Error {
  override readonly name = 'Refusal';

  constructor(
    readonly status: number,
    message: string,
    readonly more: {
      /** Neutron's `type`. */
      type?: string;
      headers?: Record<string, string>;
      /** Said by middleware in front of the service, in its shape. */
      fromMiddleware?: boolean;
      /** Beside code and message. */
      fields?: JsonObject;
    } = {},
  ) {
    super(message);
  }
}

export const badRequest = (message: string) => new Refusal(400, message);
export const forbidden = (message: string) => new Refusal(403, message);
export const notFound = (message: string) => new Refusal(404, message);
export const conflict = (message: string) => new Refusal(409, message);
/** A refusal of Neutron, told apart by its `type`. */
export const neutronError = (status: number, type: string, message: string) => new Refusal(status, message, { type });

export const authenticationText = 'The request you have made requires authentication.';
export const unauthorized = () => new Refusal(401, authenticationText);

const titles: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  406: 'Not Acceptable',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Request Entity Too Large',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

/** The one key of an error of Nova and Cinder; anything else is a `computeFault`, also Cinder's 406. */
const faultNames: Record<number, string> = {
  400: 'badRequest',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  415: 'badMediaType',
  429: 'overLimit',
  503: 'serviceUnavailable',
};

const titleOf = (status: number) => titles[status] ?? 'Error';

/** The body and headers of a refusal. `identityUrl` is Keystone's, for `WWW-Authenticate`. */
export function errorBody(
  service: Service,
  refusal: Refusal,
  identityUrl: string,
): { body: JsonObject; headers: Record<string, string> } {
  const { status: code, message, more } = refusal;
  const headers: Record<string, string> = { ...more.headers };
  if (more.fromMiddleware === true || (service === 'glance' && code !== 401)) {
    return {
      headers,
      body: { message: `${message}<br /><br />\n\n\n`, code: `${code} ${titleOf(code)}`, title: titleOf(code) },
    };
  }
  if (code === 401) {
    if (service === 'glance') {
      // guess: the body; the reference only says that Glance's 401 is not the others'.
      return {
        headers,
        body: { message: `${message}<br /><br />\n\n\n`, code: '401 Unauthorized', title: 'Unauthorized' },
      };
    }
    if (service !== 'keystone') headers['www-authenticate'] = `Keystone uri="${identityUrl}"`;
    return { headers, body: { error: { code, title: 'Unauthorized', message } } };
  }
  switch (service) {
    case 'keystone':
      return { headers, body: { error: { code, title: titleOf(code), message } } };
    case 'neutron':
      return {
        headers,
        body: { NeutronError: { type: more.type ?? `HTTP${titleOf(code).replaceAll(' ', '')}`, message, detail: '' } },
      };
    default:
      return { headers, body: { [faultNames[code] ?? 'computeFault']: { code, message, ...more.fields } } };
  }
}

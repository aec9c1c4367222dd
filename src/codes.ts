/**
 * Every code this system ever answers with, in one place. Codes are never renamed or reused.
 * Grammar: `^(MSG|ORD|ITM|CFG|SEM|URL|AUT|API|CLD|STO|BUS|OPS|SYS)(_[A-Z0-9]+)+$`, at most 40 characters.
 */
export type CodeClass =
  | 'reject'
  | 'limit'
  | 'conflict'
  | 'duplicate'
  | 'warning'
  | 'hold'
  | 'auth'
  | 'item-fails'
  | 'unknown'
  | 'back-off'
  | 'system';

export interface CodeEntry {
  class: CodeClass;
  /** The status an HTTP answer carries when this is its code; 200 where the code only accompanies an accepted order. */
  httpStatus: number;
  /** True when the very same request may succeed later. */
  retriable: boolean;
  title: string;
  /** Where it is explained. */
  doc: string;
}

const entry = (code: string, kind: CodeClass, httpStatus: number, retriable: boolean, title: string): CodeEntry => ({
  class: kind,
  httpStatus,
  retriable,
  title,
  doc: `docs/codes.md#${code.toLowerCase()}`,
});

export const codes = {
  // Bytes and transport
  MSG_EMPTY: entry('MSG_EMPTY', 'reject', 400, false, 'The message is empty'),
  MSG_TOMBSTONE: entry('MSG_TOMBSTONE', 'warning', 200, false, 'An empty Kafka record was skipped'),
  MSG_TOO_LARGE: entry('MSG_TOO_LARGE', 'limit', 413, false, 'The message or a nested text is too large'),
  MSG_UTF8: entry('MSG_UTF8', 'reject', 400, false, 'The bytes are not UTF-8'),
  MSG_BOM: entry('MSG_BOM', 'warning', 200, false, 'A byte-order mark was skipped'),
  MSG_TEXT_NUL: entry('MSG_TEXT_NUL', 'reject', 400, false, 'A text holds a NUL character'),
  MSG_TEXT_SURROGATE: entry(
    'MSG_TEXT_SURROGATE',
    'reject',
    400,
    false,
    'A text holds half a character (a lone surrogate)',
  ),
  MSG_TEXT_CONTROL: entry('MSG_TEXT_CONTROL', 'reject', 400, false, 'A name holds a control or direction character'),
  BUS_COMPRESSION: entry('BUS_COMPRESSION', 'reject', 400, false, 'The Kafka batch cannot be decompressed'),
  BUS_HEADER_BAD: entry('BUS_HEADER_BAD', 'warning', 200, false, 'A Kafka header was ignored'),
  // JSON text
  MSG_JSON_SYNTAX: entry('MSG_JSON_SYNTAX', 'reject', 400, false, 'The text is neither JSON nor a Python literal'),
  MSG_JSON_DEPTH: entry('MSG_JSON_DEPTH', 'reject', 400, false, 'The text is nested too deeply'),
  MSG_JSON_KEYS: entry('MSG_JSON_KEYS', 'reject', 400, false, 'Too many keys, or a key that is too long'),
  MSG_JSON_DUPKEY: entry('MSG_JSON_DUPKEY', 'reject', 400, false, 'A key stands twice in one object'),
  MSG_JSON_PROTO: entry('MSG_JSON_PROTO', 'reject', 400, false, 'A key has a name that is not allowed'),
  MSG_NUMBER_RANGE: entry('MSG_NUMBER_RANGE', 'reject', 400, false, 'A number cannot be kept exactly'),
  MSG_NOT_OBJECT: entry('MSG_NOT_OBJECT', 'reject', 400, false, 'The message is not an object'),
  // Envelope
  MSG_ENVELOPE_MISSING: entry('MSG_ENVELOPE_MISSING', 'reject', 400, false, 'No order was found in the message'),
  MSG_ENVELOPE_WRAPPED: entry(
    'MSG_ENVELOPE_WRAPPED',
    'warning',
    200,
    false,
    'The order was wrapped more often than needed',
  ),
  MSG_ENVELOPE_DEPTH: entry('MSG_ENVELOPE_DEPTH', 'reject', 400, false, 'The order is wrapped too many times'),
  MSG_ENVELOPE_AMBIGUOUS: entry(
    'MSG_ENVELOPE_AMBIGUOUS',
    'reject',
    400,
    false,
    'The message holds more than one candidate for the order',
  ),
  MSG_ENVELOPE_FORM_DICT: entry(
    'MSG_ENVELOPE_FORM_DICT',
    'reject',
    400,
    false,
    'A dictionary was form-encoded instead of JSON text',
  ),
  MSG_SECRET_REMOVED: entry('MSG_SECRET_REMOVED', 'warning', 200, false, 'A secret in an unexpected place was removed'),
  API_CONTENT_TYPE: entry('API_CONTENT_TYPE', 'reject', 415, false, 'The content type is not supported'),
  // Order
  ORD_FIELD_MISSING: entry('ORD_FIELD_MISSING', 'reject', 422, false, 'A required field of the order is missing'),
  ORD_FIELD_TYPE: entry('ORD_FIELD_TYPE', 'reject', 422, false, 'A field of the order has the wrong type'),
  ORD_ID_FORMAT: entry('ORD_ID_FORMAT', 'reject', 422, false, 'An id has a form that is not allowed'),
  ORD_UNKNOWN_FIELD: entry('ORD_UNKNOWN_FIELD', 'warning', 200, false, 'A field is unknown and was kept as sent'),
  ORD_TYPE_UNSUPPORTED: entry(
    'ORD_TYPE_UNSUPPORTED',
    'hold',
    200,
    false,
    'The kind of order is not known and was not guessed',
  ),
  ORD_ITEMS_EMPTY: entry('ORD_ITEMS_EMPTY', 'reject', 422, false, 'The order has no items'),
  ORD_ITEMS_LIMIT: entry('ORD_ITEMS_LIMIT', 'limit', 413, false, 'The order has too many items'),
  ORD_DUPLICATE: entry('ORD_DUPLICATE', 'duplicate', 200, false, 'The same order again'),
  ORD_CONFLICT_BODY: entry('ORD_CONFLICT_BODY', 'conflict', 409, false, 'Another order has this id already'),
  ORD_TENANT_UNKNOWN: entry('ORD_TENANT_UNKNOWN', 'reject', 422, false, 'The account is not registered'),
  ORD_TENANT_DISABLED: entry('ORD_TENANT_DISABLED', 'reject', 422, false, 'The account is disabled'),
  ORD_TENANT_MISMATCH: entry('ORD_TENANT_MISMATCH', 'auth', 403, false, 'The token belongs to another account'),
  // Items
  ITM_FIELD_MISSING: entry('ITM_FIELD_MISSING', 'reject', 422, false, 'A required field of an item is missing'),
  ITM_FIELD_TYPE: entry('ITM_FIELD_TYPE', 'reject', 422, false, 'A field of an item has the wrong type'),
  ITM_TYPE_UNSUPPORTED: entry(
    'ITM_TYPE_UNSUPPORTED',
    'reject',
    422,
    false,
    'The resource type of an item is not supported',
  ),
  ITM_KEY_DUPLICATE: entry('ITM_KEY_DUPLICATE', 'reject', 422, false, 'Two items name the same resource'),
  ITM_ID_REPEATED: entry('ITM_ID_REPEATED', 'hold', 200, false, 'Two items carry the same workOrderItemId'),
  ITM_OTHER_ORDER: entry('ITM_OTHER_ORDER', 'hold', 200, false, 'An item carries the id of another order'),
  ITM_PARENT_MISMATCH: entry('ITM_PARENT_MISMATCH', 'warning', 200, false, "An item's ids disagree with the order's"),
  ITM_MASTER: entry('ITM_MASTER', 'hold', 200, false, 'The master item is not certain'),
  ITM_MASTER_ASSUMED: entry('ITM_MASTER_ASSUMED', 'warning', 200, false, 'The only VM was taken as the master'),
  ITM_MASTER_UNKNOWN: entry('ITM_MASTER_UNKNOWN', 'warning', 200, false, 'masterResourceId names nothing in the order'),
  ITM_PRODUCT_MISMATCH: entry(
    'ITM_PRODUCT_MISMATCH',
    'warning',
    200,
    false,
    'The product id belongs to another resource type',
  ),
  ITM_ACTION_UNSUPPORTED: entry(
    'ITM_ACTION_UNSUPPORTED',
    'hold',
    200,
    false,
    'The action is not known and was not guessed',
  ),
  ITM_NOT_OBJECT: entry('ITM_NOT_OBJECT', 'reject', 422, false, 'An item is not an object'),
  // Nested configs
  CFG_JSON_SYNTAX: entry('CFG_JSON_SYNTAX', 'reject', 422, false, 'The config cannot be read'),
  CFG_NOT_OBJECT: entry('CFG_NOT_OBJECT', 'reject', 422, false, 'The config is not an object'),
  CFG_ENCODING_TWICE: entry('CFG_ENCODING_TWICE', 'warning', 200, false, 'The config was encoded more than once'),
  CFG_ALREADY_OBJECT: entry('CFG_ALREADY_OBJECT', 'warning', 200, false, 'The config came as an object'),
  CFG_FIELD_MISSING: entry('CFG_FIELD_MISSING', 'reject', 422, false, 'A required field of the config is missing'),
  CFG_FIELD_TYPE: entry('CFG_FIELD_TYPE', 'reject', 422, false, 'A field of the config has the wrong type'),
  CFG_NUMBER: entry('CFG_NUMBER', 'reject', 422, false, 'A number of the config is not a whole number in range'),
  CFG_NUMBER_LIMIT: entry('CFG_NUMBER_LIMIT', 'limit', 422, false, 'A quantity is over the limit'),
  CFG_NAME: entry('CFG_NAME', 'reject', 422, false, 'A name has a form that is not allowed'),
  CFG_PASSWORD: entry('CFG_PASSWORD', 'reject', 422, false, 'The root password cannot be used'),
  CFG_PASSWORD_WEAK: entry('CFG_PASSWORD_WEAK', 'warning', 200, false, 'The root password is weak'),
  CFG_UUID: entry('CFG_UUID', 'reject', 422, false, 'An id in the config has a form that is not allowed'),
  CFG_REF_UNKNOWN: entry(
    'CFG_REF_UNKNOWN',
    'item-fails',
    200,
    false,
    'The cloud does not know what the config refers to',
  ),
  CFG_PLATFORM_UNKNOWN: entry('CFG_PLATFORM_UNKNOWN', 'reject', 422, false, 'The platform is not configured'),
  CFG_ENUM: entry('CFG_ENUM', 'reject', 422, false, 'The value is not one of the allowed ones'),
  CFG_CIDR: entry('CFG_CIDR', 'reject', 422, false, 'The network range is not valid'),
  CFG_CIDR_HOSTBITS: entry('CFG_CIDR_HOSTBITS', 'warning', 200, false, 'The network range was normalised'),
  SEM_EBS_SIZE: entry('SEM_EBS_SIZE', 'hold', 200, false, 'The two sizes of a disk disagree'),
  SEM_EBS_TYPE: entry('SEM_EBS_TYPE', 'hold', 200, false, 'The two types of a disk disagree'),
  SEM_EBS_COUNT: entry('SEM_EBS_COUNT', 'reject', 422, false, 'The two quantities of a disk disagree'),
  SEM_EBS_ORDER_COUNT: entry(
    'SEM_EBS_ORDER_COUNT',
    'warning',
    200,
    false,
    'workOrderCount differs from the quantity and was ignored',
  ),
  SEM_DESCRIPTION: entry(
    'SEM_DESCRIPTION',
    'warning',
    200,
    false,
    'The description in words disagrees with the config',
  ),
  SEM_GATEWAY: entry('SEM_GATEWAY', 'reject', 422, false, 'The gateway lies outside its network'),
  SEM_EBS_NO_VM: entry('SEM_EBS_NO_VM', 'reject', 422, false, "The disk's VM is neither in the order nor known"),
  SEM_PLATFORM_MIXED: entry(
    'SEM_PLATFORM_MIXED',
    'hold',
    200,
    false,
    'Items that belong together name different platforms',
  ),
  SEM_CYCLE: entry('SEM_CYCLE', 'warning', 200, false, 'The billing cycles disagree'),
  SEM_QUOTA: entry('SEM_QUOTA', 'item-fails', 200, false, "The tenant's quota is used up"),
  SEM_RESOURCE_OWNED: entry('SEM_RESOURCE_OWNED', 'conflict', 409, false, 'The resource belongs to another order'),
  // Callback, API, operations
  URL_SYNTAX: entry('URL_SYNTAX', 'reject', 422, false, 'The callback is not a usable URL'),
  URL_SCHEME: entry('URL_SCHEME', 'reject', 422, false, "The callback's scheme is not allowed"),
  URL_USERINFO: entry('URL_USERINFO', 'reject', 422, false, 'The callback carries credentials'),
  URL_FRAGMENT: entry('URL_FRAGMENT', 'reject', 422, false, 'The callback carries a fragment'),
  URL_TOO_LONG: entry('URL_TOO_LONG', 'reject', 422, false, 'The callback is too long'),
  URL_FORBIDDEN_ADDRESS: entry('URL_FORBIDDEN_ADDRESS', 'reject', 422, false, "The callback's address is not allowed"),
  URL_FORBIDDEN_PORT: entry('URL_FORBIDDEN_PORT', 'reject', 422, false, "The callback's port is not allowed"),
  URL_DNS_FORBIDDEN: entry(
    'URL_DNS_FORBIDDEN',
    'reject',
    422,
    false,
    "The callback's name resolves to an address that is not allowed",
  ),
  AUT_MISSING: entry('AUT_MISSING', 'auth', 401, false, 'A token is needed'),
  AUT_INVALID: entry('AUT_INVALID', 'auth', 401, false, 'The token is not valid'),
  AUT_FORBIDDEN: entry('AUT_FORBIDDEN', 'auth', 403, false, 'The token does not allow this'),
  API_NOT_FOUND: entry('API_NOT_FOUND', 'auth', 404, false, 'There is nothing here'),
  API_RATE_LIMIT: entry('API_RATE_LIMIT', 'limit', 429, true, 'Too many requests'),
  API_HEADERS_TOO_LARGE: entry('API_HEADERS_TOO_LARGE', 'limit', 431, false, 'The headers are too large'),
  API_TIMEOUT: entry('API_TIMEOUT', 'limit', 408, true, 'The request took too long to arrive'),
  API_METHOD: entry('API_METHOD', 'reject', 405, false, 'The method is not allowed here'),
  API_PAGE: entry('API_PAGE', 'reject', 400, false, 'The page asked for does not exist'),
  API_IDEMPOTENCY_MISMATCH: entry(
    'API_IDEMPOTENCY_MISMATCH',
    'conflict',
    409,
    false,
    'The idempotency key was used with another body',
  ),
  OPS_REPLAY_STATE: entry(
    'OPS_REPLAY_STATE',
    'conflict',
    409,
    false,
    'The order is in a state that does not allow this',
  ),
  OPS_REASON_MISSING: entry('OPS_REASON_MISSING', 'reject', 422, false, 'A reason is needed'),
  OPS_VERSION_STALE: entry('OPS_VERSION_STALE', 'conflict', 409, false, 'The order has changed since it was read'),
  // The clouds' answers
  CLD_RESPONSE_UNKNOWN: entry('CLD_RESPONSE_UNKNOWN', 'unknown', 502, true, 'The cloud gave no usable answer'),
  CLD_RESPONSE_TYPE: entry('CLD_RESPONSE_TYPE', 'unknown', 502, true, "The cloud's answer has the wrong shape"),
  CLD_JOB_LOST: entry('CLD_JOB_LOST', 'unknown', 502, true, 'The cloud no longer knows the job'),
  CLD_JOB_TIMEOUT: entry('CLD_JOB_TIMEOUT', 'unknown', 504, true, "The cloud's job did not end in time"),
  CLD_AUTH: entry('CLD_AUTH', 'back-off', 502, true, 'The cloud does not accept our credentials'),
  CLD_QUOTA: entry('CLD_QUOTA', 'item-fails', 200, false, "The cloud's quota is used up"),
  CLD_CAPACITY: entry('CLD_CAPACITY', 'back-off', 503, true, 'The cloud has no room at present'),
  CLD_THROTTLED: entry('CLD_THROTTLED', 'back-off', 503, true, 'The cloud asks us to slow down'),
  CLD_RESOURCE_ERROR: entry(
    'CLD_RESOURCE_ERROR',
    'item-fails',
    200,
    false,
    'The cloud built the resource into an error state',
  ),
  CLD_MULTIPLE_MATCHES: entry('CLD_MULTIPLE_MATCHES', 'hold', 200, false, 'Two resources carry the same marker'),
  CLD_CONTRADICTION: entry('CLD_CONTRADICTION', 'unknown', 502, true, 'The cloud contradicts itself'),
} satisfies Record<string, CodeEntry>;

export type Code = keyof typeof codes;

export const isCode = (text: string): text is Code => Object.hasOwn(codes, text);

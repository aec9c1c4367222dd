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

const table = {
  // Bytes and transport
  MSG_EMPTY: ['reject', 400, false, 'The message is empty'],
  MSG_TOMBSTONE: ['warning', 200, false, 'An empty Kafka record was skipped'],
  MSG_TOO_LARGE: ['limit', 413, false, 'The message or a nested text is too large'],
  MSG_UTF8: ['reject', 400, false, 'The bytes are not UTF-8'],
  MSG_BOM: ['warning', 200, false, 'A byte-order mark was skipped'],
  MSG_TEXT_NUL: ['reject', 400, false, 'A text holds a NUL character'],
  MSG_TEXT_SURROGATE: ['reject', 400, false, 'A text holds half a character (a lone surrogate)'],
  MSG_TEXT_CONTROL: ['reject', 400, false, 'A name holds a control or direction character'],
  BUS_COMPRESSION: ['reject', 400, false, 'The Kafka batch cannot be decompressed'],
  BUS_HEADER_BAD: ['warning', 200, false, 'A Kafka header was ignored'],
  // JSON text
  MSG_JSON_SYNTAX: ['reject', 400, false, 'The text is neither JSON nor a Python literal'],
  MSG_JSON_DEPTH: ['reject', 400, false, 'The text is nested too deeply'],
  MSG_JSON_KEYS: ['reject', 400, false, 'Too many keys, or a key that is too long'],
  MSG_JSON_DUPKEY: ['reject', 400, false, 'A key stands twice in one object'],
  MSG_JSON_PROTO: ['reject', 400, false, 'A key has a name that is not allowed'],
  MSG_NUMBER_RANGE: ['reject', 400, false, 'A number cannot be kept exactly'],
  MSG_NOT_OBJECT: ['reject', 400, false, 'The message is not an object'],
  // Envelope
  MSG_ENVELOPE_MISSING: ['reject', 400, false, 'No order was found in the message'],
  MSG_ENVELOPE_WRAPPED: ['warning', 200, false, 'The order was wrapped more often than needed'],
  MSG_ENVELOPE_DEPTH: ['reject', 400, false, 'The order is wrapped too many times'],
  MSG_ENVELOPE_AMBIGUOUS: ['reject', 400, false, 'The message holds more than one candidate for the order'],
  MSG_ENVELOPE_FORM_DICT: ['reject', 400, false, 'A dictionary was form-encoded instead of JSON text'],
  MSG_SECRET_REMOVED: ['warning', 200, false, 'A secret in an unexpected place was removed'],
  API_CONTENT_TYPE: ['reject', 415, false, 'The content type is not supported'],
  // Order
  ORD_FIELD_MISSING: ['reject', 422, false, 'A required field of the order is missing'],
  ORD_FIELD_TYPE: ['reject', 422, false, 'A field of the order has the wrong type'],
  ORD_ID_FORMAT: ['reject', 422, false, 'An id has a form that is not allowed'],
  ORD_UNKNOWN_FIELD: ['warning', 200, false, 'A field is unknown and was kept as sent'],
  ORD_TYPE_UNSUPPORTED: ['hold', 200, false, 'The kind of order is not known and was not guessed'],
  ORD_ITEMS_EMPTY: ['reject', 422, false, 'The order has no items'],
  ORD_ITEMS_LIMIT: ['limit', 413, false, 'The order has too many items'],
  ORD_PIECES_LIMIT: ['limit', 413, false, 'The quantities of the order are too much together'],
  ORD_DUPLICATE: ['duplicate', 200, false, 'The same order again'],
  ORD_CONFLICT_BODY: ['conflict', 409, false, 'Another order has this id already'],
  ORD_TENANT_UNKNOWN: ['hold', 200, false, 'The user is not registered in the data centre'],
  ORD_TENANT_DISABLED: ['hold', 200, false, 'The user is deactivated or removed'],
  ORD_TENANT_MISMATCH: ['auth', 403, false, 'The token belongs to another account'],
  // Items
  ITM_FIELD_MISSING: ['reject', 422, false, 'A required field of an item is missing'],
  ITM_FIELD_TYPE: ['reject', 422, false, 'A field of an item has the wrong type'],
  ITM_TYPE_UNSUPPORTED: ['reject', 422, false, 'The resource type of an item is not supported'],
  ITM_KEY_DUPLICATE: ['reject', 422, false, 'Two items name the same resource'],
  ITM_ID_REPEATED: ['hold', 200, false, 'Two items carry the same workOrderItemId'],
  ITM_OTHER_ORDER: ['hold', 200, false, 'An item carries the id of another order'],
  ITM_PARENT_MISMATCH: ['warning', 200, false, "An item's ids disagree with the order's"],
  ITM_MASTER: ['hold', 200, false, 'The master item is not certain'],
  ITM_MASTER_ASSUMED: ['warning', 200, false, 'The only VM was taken as the master'],
  ITM_MASTER_UNKNOWN: ['warning', 200, false, 'masterResourceId names nothing in the order'],
  ITM_PRODUCT_MISMATCH: ['warning', 200, false, 'The product id belongs to another resource type'],
  ITM_ACTION_UNSUPPORTED: ['hold', 200, false, 'The action is not known and was not guessed'],
  ITM_NOT_OBJECT: ['reject', 422, false, 'An item is not an object'],
  // Nested configs
  CFG_JSON_SYNTAX: ['reject', 422, false, 'The config cannot be read'],
  CFG_NOT_OBJECT: ['reject', 422, false, 'The config is not an object'],
  CFG_ENCODING_TWICE: ['warning', 200, false, 'The config was encoded more than once'],
  CFG_ALREADY_OBJECT: ['warning', 200, false, 'The config came as an object'],
  CFG_FIELD_MISSING: ['reject', 422, false, 'A required field of the config is missing'],
  CFG_FIELD_TYPE: ['reject', 422, false, 'A field of the config has the wrong type'],
  CFG_NUMBER: ['reject', 422, false, 'A number of the config is not a whole number in range'],
  CFG_NUMBER_LIMIT: ['limit', 422, false, 'A quantity is over the limit'],
  CFG_NAME: ['reject', 422, false, 'A name has a form that is not allowed'],
  CFG_PASSWORD: ['reject', 422, false, 'The root password cannot be used'],
  CFG_PASSWORD_WEAK: ['warning', 200, false, 'The root password is weak'],
  CFG_UUID: ['reject', 422, false, 'An id in the config has a form that is not allowed'],
  CFG_REF_UNKNOWN: ['hold', 200, false, 'The cloud does not know what the config refers to'],
  CFG_PLATFORM_UNKNOWN: ['hold', 200, false, 'The platform is not configured'],
  CFG_PLATFORM_SETTINGS: ['reject', 422, false, 'A setting of the platform cannot be used'],
  CFG_ZONE_UNCLEAR: ['hold', 200, false, 'No zone is named and the platform has several'],
  CFG_NETWORK_UNCLEAR: ['hold', 200, false, 'The network is not named, or its card cannot be read'],
  CFG_ENUM: ['reject', 422, false, 'The value is not one of the allowed ones'],
  CFG_CIDR: ['reject', 422, false, 'The network range is not valid'],
  CFG_CIDR_HOSTBITS: ['warning', 200, false, 'The network range was normalised'],
  SEM_EBS_SIZE: ['hold', 200, false, 'The two sizes of a disk disagree'],
  SEM_EBS_TYPE: ['hold', 200, false, 'The two types of a disk disagree'],
  SEM_EBS_COUNT: ['reject', 422, false, 'The two quantities of a disk disagree'],
  SEM_EBS_ORDER_COUNT: ['warning', 200, false, 'workOrderCount differs from the quantity and was ignored'],
  SEM_DESCRIPTION: ['warning', 200, false, 'The description in words disagrees with the config'],
  SEM_GATEWAY: ['reject', 422, false, 'The gateway lies outside its network'],
  SEM_SHARED_UNEVENLY: ['warning', 200, false, 'Disks or addresses cannot be shared out evenly among the VMs'],
  SEM_OFFERING_NONE: ['hold', 200, false, 'The cloud has no offering of exactly this size'],
  SEM_IMAGE_NOT_READY: ['hold', 200, false, 'The image is not ready yet'],
  SEM_ROOT_DISK_SIZE: ['hold', 200, false, 'The root disk is smaller than the image needs'],
  SEM_PLATFORM_CLOSED: ['hold', 200, false, 'The platform is in maintenance or disabled'],
  SEM_EBS_NO_VM: ['reject', 422, false, "The disk's VM is neither in the order nor known"],
  SEM_PLATFORM_MIXED: ['hold', 200, false, 'Items that belong together name different platforms'],
  SEM_CYCLE: ['warning', 200, false, 'The billing cycles disagree'],
  SEM_QUOTA: ['item-fails', 200, false, "The tenant's quota is used up"],
  SEM_RESOURCE_OWNED: ['conflict', 409, false, 'The resource belongs to another order'],
  // Callback, API, operations
  URL_SYNTAX: ['reject', 422, false, 'The callback is not a usable URL'],
  URL_SCHEME: ['reject', 422, false, "The callback's scheme is not allowed"],
  URL_USERINFO: ['reject', 422, false, 'The callback carries credentials'],
  URL_FRAGMENT: ['reject', 422, false, 'The callback carries a fragment'],
  URL_TOO_LONG: ['reject', 422, false, 'The callback is too long'],
  URL_FORBIDDEN_ADDRESS: ['reject', 422, false, "The callback's address is not allowed"],
  URL_FORBIDDEN_PORT: ['reject', 422, false, "The callback's port is not allowed"],
  URL_DNS_FORBIDDEN: ['reject', 422, false, "The callback's name resolves to an address that is not allowed"],
  AUT_MISSING: ['auth', 401, false, 'A token is needed'],
  AUT_INVALID: ['auth', 401, false, 'The token is not valid'],
  AUT_FORBIDDEN: ['auth', 403, false, 'The token does not allow this'],
  AUT_LOG_IN: ['auth', 401, false, 'User name and password do not belong together'],
  API_NOT_FOUND: ['auth', 404, false, 'There is nothing here'],
  API_RATE_LIMIT: ['limit', 429, true, 'Too many requests'],
  API_HEADERS_TOO_LARGE: ['limit', 431, false, 'The headers are too large'],
  API_TIMEOUT: ['limit', 408, true, 'The request took too long to arrive'],
  API_METHOD: ['reject', 405, false, 'The method is not allowed here'],
  API_PAGE: ['reject', 400, false, 'The page asked for does not exist'],
  API_IDEMPOTENCY_MISMATCH: ['conflict', 409, false, 'The idempotency key was used with another body'],
  OPS_REPLAY_STATE: ['conflict', 409, false, 'The order is in a state that does not allow this'],
  OPS_LEVER_STATE: ['conflict', 409, false, 'The lever means nothing for the order as it stands'],
  OPS_CANCELLED: ['hold', 200, false, 'An operator cancelled the order'],
  OPS_HELD: ['hold', 200, false, 'An operator holds the order'],
  OPS_SKIPPED: ['item-fails', 200, false, 'An operator gave the item up'],
  ITM_NEED_FAILED: ['item-fails', 200, false, 'Something the item needs was refused; it was not tried'],
  OPS_UNDONE: ['item-fails', 200, false, 'The item was given up because its order is undone'],
  OPS_REASON_MISSING: ['reject', 422, false, 'A reason is needed'],
  OPS_VERSION_STALE: ['conflict', 409, false, 'What is to be changed has changed since it was read'],
  OPS_PLATFORM_EXISTS: ['conflict', 409, false, 'There is a platform of this id already'],
  OPS_PLATFORM_IN_USE: ['conflict', 409, false, 'Orders that have not ended name the platform'],
  OPS_USER_EXISTS: ['conflict', 409, false, 'There is a user of this id, name or e-mail address already'],
  // The clouds' answers
  CLD_RESPONSE_UNKNOWN: ['unknown', 502, true, 'The cloud gave no usable answer'],
  CLD_RESPONSE_TYPE: ['unknown', 502, true, "The cloud's answer has the wrong shape"],
  CLD_JOB_LOST: ['unknown', 502, true, 'The cloud no longer knows the job'],
  CLD_JOB_TIMEOUT: ['unknown', 504, true, "The cloud's job did not end in time"],
  CLD_AUTH: ['back-off', 502, true, 'The cloud does not accept our credentials'],
  CLD_QUOTA: ['item-fails', 200, false, "The cloud's quota is used up"],
  CLD_CAPACITY: ['back-off', 503, true, 'The cloud has no room at present'],
  CLD_THROTTLED: ['back-off', 503, true, 'The cloud asks us to slow down'],
  CLD_RESOURCE_ERROR: ['item-fails', 200, false, 'The cloud built the resource into an error state'],
  CLD_MULTIPLE_MATCHES: ['hold', 200, false, 'Two resources carry the same marker'],
  CLD_CONTRADICTION: ['unknown', 502, true, 'The cloud contradicts itself'],
  // Found by adapters and by the engine
  CLD_UNREACHABLE: ['back-off', 503, true, 'The cloud cannot be reached'],
  CLD_UNAVAILABLE: ['back-off', 503, true, 'The cloud takes no work at present'],
  CLD_RESOURCE_UNAVAILABLE: ['back-off', 503, true, 'A host, router or store of the cloud cannot be reached'],
  CLD_IN_USE: ['back-off', 409, true, 'Something still uses the resource'],
  CLD_PARAMETER: ['item-fails', 200, false, 'The cloud refuses what was asked for'],
  CLD_CONFLICT: ['item-fails', 200, false, 'Something on the cloud stands against it'],
  CLD_JOB_FAILED: ['item-fails', 200, true, "The cloud's job failed without saying why"],
  CLD_PERMISSION: ['hold', 200, false, 'Our account may not do this on the cloud'],
  CLD_SECRET_MISSING: ['hold', 200, false, 'The password the order came with is not there any more'],
  CLD_UNSUPPORTED: ['hold', 200, false, 'This cloud cannot do that'],
  CLD_OUTCOME_UNCLEAR: ['hold', 200, false, 'The cloud gave no clear outcome after every try'],
  SEM_OS_MISMATCH: ['warning', 200, false, 'The image has another operating system than the order says'],
  SEM_ROUTER_OFFERING_IGNORED: ['warning', 200, false, 'The router offering named by the order is not used'],
  SEM_SNAPSHOT_DECIDES: ['warning', 200, false, 'Size and type of the disk come from its snapshot'],
  URL_HOST_NOT_ALLOWED: ['reject', 422, false, 'The callback host is not on the allow-list'],
  // The API's own
  API_PARAMETER: ['reject', 400, false, 'A parameter of the request is wrong'],
  API_REQUEST: ['reject', 400, false, 'The request cannot be read'],
  MSG_CUT: ['reject', 400, true, 'The body ended before it was whole'],
  STO_UNAVAILABLE: ['system', 503, true, 'The database is away; nothing was promised'],
  SYS_INTERNAL: ['system', 500, true, "An error of Orderwright's own; see the log"],
  SYS_UNEXPECTED: ['system', 500, false, "An adapter stopped on an error of Orderwright's own; see the log"],
  // Starting up
  SYS_BUSY: ['system', 503, true, 'The worker that holds the order did not answer'],
  SYS_STEP_REFUSED: [
    'system',
    500,
    false,
    'A step of the order could not be decided or stored; the order waits for a person',
  ],
  SYS_SECRET_KEY: ['system', 500, false, 'ORDERWRIGHT_SECRET_KEY is not a usable key'],
  SYS_ALREADY_UP: ['system', 500, false, 'Another process uses this data folder'],
  SYS_SIMULATOR_START: ['system', 500, true, 'A simulated cloud did not start'],
  SYS_POSTGRES_MISSING: ['system', 500, false, 'No PostgreSQL for this platform was found'],
  SYS_POSTGRES_START: ['system', 500, true, 'The embedded PostgreSQL did not start'],
  SYS_POSTGRES_VERSION: ['system', 500, false, 'The data folder belongs to another version of PostgreSQL'],
  SYS_LOCK_TIMEOUT: ['system', 500, true, 'Another process holds the lock on a data folder'],
  SYS_KAFKA_START: ['system', 500, true, 'The Kafka broker did not start'],
} satisfies Record<string, [kind: CodeClass, httpStatus: number, retriable: boolean, title: string]>;

export type Code = keyof typeof table;

export const codes = Object.fromEntries(
  Object.entries(table).map(([code, [kind, httpStatus, retriable, title]]) => [
    code,
    { class: kind, httpStatus, retriable, title, doc: `docs/codes.md#${code.toLowerCase()}` },
  ]),
) as Record<Code, CodeEntry>;

export const isCode = (text: string): text is Code => Object.hasOwn(codes, text);

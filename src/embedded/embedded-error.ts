/** What the embedded profile could not do, with a stable code and what the reader can do about it. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
  constructor(
    /** `SYS_POSTGRES_MISSING`, `SYS_POSTGRES_START`, `SYS_POSTGRES_VERSION`, `SYS_LOCK_TIMEOUT`, `SYS_KAFKA_START`. */
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

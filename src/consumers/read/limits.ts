/** What a message may be at most. Each figure is answered for by one code; see reliability.md, section 5. */
export const limits = {
  /** A whole message, as bytes. */
  messageBytes: 1024 * 1024,
  /** One nested config, as UTF-8 bytes. */
  configBytes: 64 * 1024,
  /** Levels of arrays and objects, counted anew in every text inside a text. */
  depth: 32,
  /** Members of all objects of one text. */
  keys: 10_000,
  /** One key, in characters as written. */
  keyLength: 128,
  /** `msg` inside `msg`; a sixth is refused. */
  msgLayers: 5,
  /** JSON text inside JSON text; a sixth is refused. */
  textLayers: 5,
  /** Longer damage gets no proposed repair: a hundred items are shorter, and each attempt reads it all again. */
  repairableLength: 256 * 1024,
  items: 100,
  /** Pieces of all items of one order, each of which is built by itself. */
  pieces: 2_000,
  /** Fields of a form body. */
  formFields: 100,
  /** Kafka headers that are kept, and how long their names and values may be. */
  headers: 50,
  headerName: 100,
  headerValue: 200,
  /** Answers name at most this many problems at once. */
  problems: 20,
  /** An accepted order carries at most this many warnings. */
  warnings: 100,
} as const;

import { createRequire } from 'node:module';
import { decompress } from 'fzstd';
import kafkajs, {
  type Kafka as KafkaClient,
  type KafkaConfig,
  type logLevel as LogLevel,
  type SASLOptions,
} from 'kafkajs';
import type { Logger } from 'pino';
import type { Config } from '../config.js';

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs;
const require = createRequire(import.meta.url);

/**
 * kafkajs knows gzip only and stops for good at any other batch (reliability K3). Reading is all we need: nothing here
 * writes snappy, lz4 or zstd.
 */
function registerCodecs(): void {
  const snappy = require('snappyjs') as { uncompress(bytes: Uint8Array): Uint8Array };
  const lz4 = require('lz4js') as { decompress(bytes: Uint8Array): Uint8Array };
  const readOnly = (decode: (bytes: Buffer) => Uint8Array) => () => ({
    compress: () => Promise.reject(new Error('Orderwright does not write this compression.')),
    decompress: (bytes: Buffer) => Promise.resolve(Buffer.from(decode(bytes))),
  });
  CompressionCodecs[CompressionTypes.Snappy] = readOnly((bytes) => uncompressSnappy(bytes, snappy.uncompress));
  CompressionCodecs[CompressionTypes.LZ4] = readOnly((bytes) => lz4.decompress(bytes));
  CompressionCodecs[CompressionTypes.ZSTD] = readOnly((bytes) => decompress(bytes));
}

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0]);

/** Java clients wrap snappy in the Xerial framing: 16 bytes of header, then blocks of length and data. Others send it bare. */
function uncompressSnappy(bytes: Buffer, uncompress: (block: Uint8Array) => Uint8Array): Uint8Array {
  if (!bytes.subarray(0, 8).equals(xerialMagic)) return uncompress(bytes);
  const blocks: Uint8Array[] = [];
  for (let at = 16; at + 4 <= bytes.length;) {
    const length = bytes.readUInt32BE(at);
    blocks.push(uncompress(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return Buffer.concat(blocks);
}

let registered = false;

/** What kafkajs wants to know of TLS and SASL. Without TLS nothing is said: the connection is plain. */
export function securityOptions({
  tls,
  sasl,
}: Pick<NonNullable<Config['kafka']>, 'tls' | 'sasl'>): Pick<KafkaConfig, 'ssl' | 'sasl'> {
  return {
    ...(tls && {
      ssl: {
        rejectUnauthorized: !tls.insecure,
        minVersion: 'TLSv1.2',
        ...(tls.ca !== null && { ca: [tls.ca] }),
        ...(tls.serverName !== null && { servername: tls.serverName }),
      },
    }),
    ...(sasl && { sasl: { ...sasl } as SASLOptions }),
  };
}

/** A kafkajs client with everything set that its defaults get wrong for us. */
export function createKafka(config: NonNullable<Config['kafka']>, log: Logger): KafkaClient {
  if (!registered) registerCodecs();
  registered = true;
  return new Kafka({
    clientId: config.clientId,
    brokers: config.brokers,
    ...securityOptions(config),
    connectionTimeout: 3_000,
    requestTimeout: 15_000,
    // Said in full: with NODE_ENV=test kafkajs takes other defaults (reliability K11).
    retry: { initialRetryTime: 200, maxRetryTime: 5_000, retries: 8, factor: 0.2, multiplier: 2 },
    logLevel: logLevel.WARN,
    logCreator: () => (entry) => {
      const fields = { kafka: entry.namespace, reason: entry.log.error as unknown };
      if (entry.level === (logLevel.ERROR as LogLevel)) log.error(fields, entry.log.message);
      else log.debug(fields, entry.log.message);
    },
  });
}

/** Makes the topics that are missing, as many copies as there are brokers, three at the most. */
export async function ensureTopics(kafka: KafkaClient, topics: string[], partitions = 6): Promise<void> {
  const admin = kafka.admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const missing = topics.filter((topic) => !existing.has(topic));
    if (missing.length === 0) return;
    const { brokers } = await admin.describeCluster();
    const create = () =>
      admin.createTopics({
        waitForLeaders: true,
        topics: missing.map((topic) => ({
          topic,
          numPartitions: partitions,
          replicationFactor: Math.min(3, brokers.length),
          configEntries: [{ name: 'max.message.bytes', value: '1100000' }],
        })),
      });
    // A busy broker may not know its own new topic for a moment; kafkajs waits for its leaders, but not for that.
    for (
      let tries = 1;
      !(await create().then(
        () => true,
        (error: unknown) => isUnknownYet(error, tries),
      ));
      tries++
    ) {
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  } finally {
    await admin.disconnect();
  }
}

/** @returns false when it is worth another try @throws the error when it is another one, or has been for too long */
function isUnknownYet(error: unknown, tries: number): false {
  if ((error as { type?: string }).type === 'UNKNOWN_TOPIC_OR_PARTITION' && tries < 25) return false;
  throw error;
}

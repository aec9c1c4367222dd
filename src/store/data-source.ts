import 'reflect-metadata';
import pg from 'pg';
import { DataSource } from 'typeorm';
import { FirstLight1795219200000 } from '../../migrations/1795219200000-first-light.js';
import { Access1795305600000 } from '../../migrations/1795305600000-access.js';
import { Operators1795305700000 } from '../../migrations/1795305700000-operators.js';
import { CloudWeather1795305800000 } from '../../migrations/1795305800000-cloud-weather.js';
import { PlatformRegistry1795305900000 } from '../../migrations/1795305900000-platform-registry.js';
import { Tenants1795392300000 } from '../../migrations/1795392300000-tenants.js';
import { OrdersOfAUser1795392400000 } from '../../migrations/1795392400000-orders-of-a-user.js';
import { EventPositions1796070000000 } from '../../migrations/1796070000000-event-positions.js';
import { WhoseStep1796083200000 } from '../../migrations/1796083200000-whose-step.js';
import { LateLooks1796083300000 } from '../../migrations/1796083300000-late-looks.js';
import { CloudOperationEntity } from '../entities/cloud-operation.entity.js';
import { EventEntity } from '../entities/event.entity.js';
import { PlatformEntity } from '../entities/platform.entity.js';
import { ReceivedMessageEntity } from '../entities/received-message.entity.js';
import { WorkOrderDocumentEntity } from '../entities/work-order-document.entity.js';
import { WorkOrderPlanEntity } from '../entities/work-order-plan.entity.js';
import { WorkOrderItemEntity } from '../entities/work-order-item.entity.js';
import { WorkOrderEntity } from '../entities/work-order.entity.js';
import { settleNumbering } from './event-numbering.js';

/** Anything with pg's `query`: the pool, or one client of it. */
export type Sql = Pick<pg.Pool, 'query'>;

/**
 * The server's own timeouts cannot end a query whose connection is dead without a word (a firewall that forgot it, a host
 * that is gone): nothing would ever come back, and the group commit would wait for ever. So our side gives up too, a little
 * later than the server would have.
 */
const lostConnections = { query_timeout: 35_000, keepAlive: true, keepAliveInitialDelayMillis: 10_000 };

/**
 * A client that never ends the process: without a listener the error of a killed backend does (reliability P4). The pool
 * listens while a client is idle, and whoever takes one out listens too late: what says that it is ready and what says that
 * its backend is gone may arrive in one packet, and are both read before any promise goes on (seen: 57P01, uncaught).
 */
class ListeningClient extends pg.Client {
  constructor(config?: string | pg.ClientConfig) {
    super(config);
    this.on('error', () => {});
  }
}

/**
 * A TypeORM data source that owns the one pg pool of the process; the hot statements in `store/` use the same pool.
 *
 * @param url PostgreSQL connection string
 * @param options `applicationName` is how other workers see that this one lives (pg_stat_activity); `poolSize` connections
 */
export function createDataSource(
  url: string,
  options: { applicationName?: string; poolSize?: number } = {},
): DataSource {
  return new DataSource({
    type: 'postgres',
    url,
    applicationName: options.applicationName ?? 'orderwright',
    poolSize: options.poolSize ?? 10,
    // A pool without this waits for ever for a free connection (typeorm #4866).
    connectTimeoutMS: 10_000,
    installExtensions: false,
    logging: false,
    synchronize: false,
    migrationsTableName: 'migration',
    migrationsTransactionMode: 'each',
    // One listener for idle clients; without it a killed backend ends the process (node-postgres #2439).
    poolErrorHandler: () => {},
    extra: {
      statement_timeout: 30_000,
      lock_timeout: 10_000,
      idle_in_transaction_session_timeout: 60_000,
      ...lostConnections,
      Client: ListeningClient,
    },
    entities: [
      WorkOrderEntity,
      WorkOrderDocumentEntity,
      WorkOrderPlanEntity,
      WorkOrderItemEntity,
      CloudOperationEntity,
      ReceivedMessageEntity,
      EventEntity,
      PlatformEntity,
    ],
    migrations: [
      FirstLight1795219200000,
      Access1795305600000,
      Operators1795305700000,
      CloudWeather1795305800000,
      PlatformRegistry1795305900000,
      Tenants1795392300000,
      OrdersOfAUser1795392400000,
      EventPositions1796070000000,
      WhoseStep1796083200000,
      LateLooks1796083300000,
    ],
  });
}

/**
 * The pool of the hot statements. They look rows up by key, so they may only look up by index. And they are planned anew
 * for the tables as they are: a plan that a connection keeps from its first minute, when the tables were empty, may read
 * whole tables for ever (measured: 430 ms instead of 20 ms an order after 1,000 orders). Parsing is still done once.
 *
 * Whatever tells of something is written through this pool: each of its connections first sees to the numbering of the events.
 */
export function createHotPool(url: string, options: { applicationName: string; size: number }): pg.Pool {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: options.applicationName,
    max: options.size,
    connectionTimeoutMillis: 10_000,
    statement_timeout: 30_000,
    lock_timeout: 10_000,
    idle_in_transaction_session_timeout: 60_000,
    ...lostConnections,
    Client: ListeningClient,
    // The pool waits for it, and gives the connection out when it is done (its type does not say so).
    onConnect: settleNumbering as unknown as (client: pg.ClientBase) => void,
    options:
      '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c plan_cache_mode=force_custom_plan -c jit=off',
  });
  // What an idle client says is told to the pool (node-postgres #2439); the next query says what is wrong.
  pool.on('error', () => {});
  return pool;
}

/** The pg pool under a connected data source. */
export function poolOf(dataSource: DataSource): pg.Pool {
  return (dataSource.driver as unknown as { master: pg.Pool }).master;
}

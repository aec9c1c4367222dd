import type { Command } from 'commander';
import type { OrderJson, OrderPageJson, PlanJson, TimelineJson } from '../../http/order-schemas.js';
import type { JobsPageJson, OrphansJson, RejectedJson, RejectedPageJson } from '../../http/operator-routes.js';
import { Api } from '../api.js';
import { exitCodes, type Io } from '../io.js';
import {
  showJobs,
  showOrder,
  showOrders,
  showOrphans,
  showPlan,
  showRejected,
  showRejectedList,
  showTimeline,
} from '../show.js';
import { cleanAll } from '../terminal.js';
import { watchOrder } from '../watch.js';

export interface RemoteOptions {
  url?: string;
  data?: string;
  json?: boolean;
}

/** The options of every command that asks the API. */
export function remote(command: Command): Command {
  return command
    .option('--json', 'print the answer as JSON')
    .option('--url <url>', 'where Orderwright is (default: ORDERWRIGHT_URL, else the one that "up" started here)')
    .option('--data <dir>', 'data folder of "orderwright up" (.orderwright)');
}

/** Prints an answer: as JSON, which is the API's own, or as lines for people. */
export function print<T>(io: Io, options: RemoteOptions, answer: T, lines: (answer: T) => string[]): void {
  // Escapes in JSON strings are harmless for programs, and JSON.stringify writes C0 as \u….; C1 and bidi it does not.
  io.out(options.json ? JSON.stringify(cleanAll(answer), null, 2) : lines(answer).join('\n'));
}

export function addReadingCommands(program: Command, io: Io, done: (exitCode: number) => void): void {
  const orders = program.command('orders').description('look at orders');

  remote(orders.command('list'))
    .description('orders, newest first')
    .option('--status <status>', 'only these, separated by commas')
    .option('--platform <id>', 'only those with an item on this platform')
    .option('--account <id>')
    .option('--q <text>', 'part of a workOrderId, or a whole resource, item, user or order id')
    .option('--limit <n>', 'how many at most: 1 to 200 (50)')
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action(async (options: RemoteOptions & Record<string, string>) => {
      const { status, platform, account, q, limit, cursor } = options;
      const query = { status, platform, account, q, limit, cursor };
      const page = await Api.of(io, options).get<OrderPageJson>('/v1/work-orders', query);
      print(io, options, page, ({ orders: list, nextCursor }) => [...showOrders(list, io), ...more(nextCursor, io)]);
    });

  remote(orders.command('show'))
    .argument('<id>', 'workOrderId, or our order id')
    .description('one order: its items, jobs, and what each waits for')
    .action(async (id: string, options: RemoteOptions) => {
      const order = await Api.of(io, options).get<OrderJson>(orderPath(id));
      print(io, options, order, (one) => showOrder(one, io));
    });

  remote(orders.command('timeline'))
    .argument('<id>', 'workOrderId, or our order id')
    .description('everything that happened to an order')
    .action(async (id: string, options: RemoteOptions) => {
      const timeline = await Api.of(io, options).get<TimelineJson>(`${orderPath(id)}/timeline`);
      print(io, options, timeline, (one) => showTimeline(one, io));
    });

  remote(orders.command('plan'))
    .argument('<id>', 'workOrderId, or our order id')
    .description('what was ordered and what it becomes')
    .action(async (id: string, options: RemoteOptions) => {
      const plan = await Api.of(io, options).get<PlanJson>(`${orderPath(id)}/plan`);
      print(io, options, plan, (one) => showPlan(one, io));
    });

  remote(orders.command('watch'))
    .argument('<id>', 'workOrderId, or our order id')
    .description('follows an order to its end (exit code 2 when it is not completed, or held for a person)')
    .action(async (id: string, options: RemoteOptions) => {
      const order = await watchOrder(Api.of(io, options), orderPath(id), io, options.json === true);
      if (options.json) io.out(JSON.stringify(cleanAll(order)));
      done(order.status === 'completed' ? exitCodes.done : exitCodes.orderFailed);
    });

  const rejected = program.command('rejected').description('look at messages that could not be taken');
  remote(rejected.command('list'))
    .description('what could not be taken, newest first')
    .option('--code <code>')
    .option('--limit <n>', 'how many at most: 1 to 200 (50)')
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action(async (options: RemoteOptions & Record<string, string>) => {
      const { code, limit, cursor } = options;
      const page = await Api.of(io, options).get<RejectedPageJson>('/v1/rejected-messages', { code, limit, cursor });
      print(io, options, page, ({ messages, nextCursor }) => [
        ...showRejectedList(messages, io),
        ...more(nextCursor, io),
      ]);
    });
  remote(rejected.command('show'))
    .argument('<id>', 'message id')
    .description('every problem of a message with its place')
    .action(async (id: string, options: RemoteOptions) => {
      const message = await Api.of(io, options).get<RejectedJson>(`/v1/rejected-messages/${encodeURIComponent(id)}`);
      print(io, options, message, (one) => showRejected(one, io));
    });

  const jobs = program.command('jobs').description('look at what clouds are working on');
  remote(jobs.command('list'))
    .description('jobs under way')
    .option('--platform <id>')
    .option('--limit <n>', 'how many at most: 1 to 200 (50)')
    .option('--cursor <cursor>', 'nextCursor of the page before')
    .action(async (options: RemoteOptions & Record<string, string>) => {
      const { platform, limit, cursor } = options;
      const page = await Api.of(io, options).get<JobsPageJson>('/v1/jobs', { platform, limit, cursor });
      print(io, options, page, (one) => [...showJobs(one.jobs, io), ...more(one.nextCursor, io)]);
    });

  const orphans = program.command('orphans').description('look at what belongs to no order');
  remote(orphans.command('list'))
    .description('what carries our marker and belongs to nothing, what is missing, and what is known of either')
    .option('--all', 'those that were destroyed, too')
    .action(async (options: RemoteOptions & { all?: boolean }) => {
      const gone = options.all === true ? 'true' : 'false';
      const answer = await Api.of(io, options).get<OrphansJson>('/v1/orphans', { gone });
      print(io, options, answer, (one) => showOrphans(one, io));
    });
}

export function orderPath(id: string): string {
  return `/v1/work-orders/${encodeURIComponent(id)}`;
}

export function more(cursor: string | null, io: Io): string[] {
  return cursor === null ? [] : ['', io.paint('grey', `There are more: --cursor ${cursor}`)];
}

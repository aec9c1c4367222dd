/** Results go back to where billing asks, if the operator allows it. */
import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../../src/json.js';
import { freshOrder, type GoodOrder, messageOf } from '../support/scenario-orders.js';
import { scenarioSeed, seededRandom } from '../support/scenario-random.js';
import { leaks } from '../support/scenario-secrets.js';
import { until, untilQuiet } from '../support/scenario-wait.js';
import { World } from '../support/scenario-world.js';

const random = seededRandom(scenarioSeed('callback'));
const key = Buffer.from(random.text(32, 'abcdefghijklmnopqrstuvwxyz'));
const secret = `whsec_${key.toString('base64')}`;

interface Post {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** Where billing listens. Its first answers are the given ones, then 200. */
async function receiver(...answers: number[]): Promise<{ port: number; posts: Post[]; server: Server }> {
  const posts: Post[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      posts.push({ path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks).toString() });
      response.writeHead(answers.shift() ?? 200).end('ok');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, posts, server };
}

describe('the result of an order goes to its msghandler_url', () => {
  let world: World;
  let allowed: Awaited<ReturnType<typeof receiver>>;
  let failing: Awaited<ReturnType<typeof receiver>>;
  let other: Awaited<ReturnType<typeof receiver>>;
  let sent = 0;

  beforeAll(async () => {
    [allowed, failing, other] = [await receiver(), await receiver(503), await receiver()];
    world = await World.start('callback');
  }, 240_000);
  afterAll(async () => {
    for (const one of [allowed, failing, other]) one?.server.close();
    await world?.stop();
  }, 60_000);

  /** Order 60 with a callback address of its own, sent and completed. */
  async function completed(url: string): Promise<{ order: JsonObject; facts: GoodOrder }> {
    const made = freshOrder(random, 'order-60.json');
    made.order['msghandler_url'] = url;
    await world.billing.send([messageOf(made.order)]);
    await untilQuiet(world, ++sent, 60_000);
    return made;
  }

  async function deliveries(): Promise<{ state: string; attempts: number }[]> {
    return world.query('select state, attempts from callback_delivery order by created_at');
  }

  async function posted(to: { posts: Post[] }, count: number): Promise<void> {
    await until(
      'the post',
      async () => {
        const open = (await deliveries()).filter(({ state }) => state === 'due').length;
        return { done: to.posts.length >= count && open === 0, seen: `${to.posts.length} posts, ${open} due` };
      },
      30_000,
    );
  }

  it('not by default: the order says so in its warnings', async () => {
    const worker = await world.startWorker();
    const { facts } = await completed(`http://127.0.0.1:${allowed.port}`);
    const order = (await (await world.api(worker, `/v1/work-orders/${facts.workOrderId}`)).json()) as {
      status: string;
      warnings: { path: string; code: string; message: string }[];
    };
    expect(order.status).toBe('completed');
    expect(order.warnings).toContainEqual({
      path: 'msghandler_url',
      code: 'URL_FORBIDDEN_ADDRESS',
      message: expect.stringContaining('ORDERWRIGHT_CALLBACK_ALLOW'),
    });
    expect(await deliveries()).toEqual([]);
    expect(allowed.posts).toEqual([]);
    expect(await worker.process.end('SIGTERM')).toEqual({ code: 0, signal: null });
  }, 120_000);

  it('once, signed, with every id that billing sent and what was built for it', async () => {
    await world.startWorker({
      ORDERWRIGHT_CALLBACK_ALLOW: `127.0.0.1:${allowed.port},127.0.0.1:${failing.port}`,
      ORDERWRIGHT_CALLBACK_PATH: '/api/work-order/result',
      ORDERWRIGHT_CALLBACK_SECRETS: secret,
    });
    const { order, facts } = await completed(`http://127.0.0.1:${allowed.port}`);
    await posted(allowed, 1);
    const [post, ...more] = allowed.posts;
    expect(more).toEqual([]);
    expect(post?.path).toBe('/api/work-order/result');
    expectSigned(post);
    expect(leaks([facts.rootPassword], { 'the callback': post?.body ?? '' })).toEqual([]);

    const message = JSON.parse(post?.body ?? '') as JsonObject & { results: JsonObject & { items: JsonObject[] } };
    expect(message).toMatchObject({ errstatus: 'SUCCESS', errcode: 0 });
    const { workOrderItems, ...header } = order;
    const ids = ({ orderId, masterOrderId, innerOrderId, workOrderId }: JsonObject) => ({
      orderId,
      masterOrderId,
      innerOrderId,
      workOrderId,
    });
    expect(ids(message.results)).toEqual(ids(header));
    for (const name of ['userId', 'accountId', 'resourceId', 'workOrderNo', 'accountType', 'serviceTag'] as const) {
      expect([name, message.results[name]]).toEqual([name, header[name]]);
    }
    // By id, not by name: customers give the same name to many machines.
    const alive = await world.cloud.resources();
    for (const item of workOrderItems as JsonObject[]) {
      const told = message.results.items.find((one) => one['resourceId'] === item['resourceId']);
      expect(told).toMatchObject({ verdict: 'completed', chargeable: true, resourceType: item['resourceType'] });
      expect(Number(told?.['workOrderItemId'])).toBe(item['workOrderItemId']);
      for (const name of ['innerOrderItemId', 'workOrderItemNo', 'masterResourceId', 'productId', 'salesEntryId']) {
        expect([name, told?.[name]]).toEqual([name, item[name]]);
      }
      expect(told?.['cloudResourceIds']).toHaveLength(1);
      expect(Date.parse(told?.['startedAt'] as string)).not.toBeNaN();
      if (item['resourceType'] !== 'VM') continue;
      const [vmId] = (told?.['cloudResourceIds'] ?? []) as string[];
      expect(alive.filter((one) => one.id === vmId)).toMatchObject([
        { kind: 'vm', details: { displayName: facts.vmName } },
      ]);
    }
  }, 120_000);

  it('again when billing was not well, under the same id, until it is taken', async () => {
    await completed(`http://127.0.0.1:${failing.port}/own/path`);
    await posted(failing, 2);
    expect(failing.posts.map(({ path }) => path)).toEqual(['/own/path', '/own/path']);
    const [first, second] = failing.posts;
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id']);
    expect(second?.body).toBe(first?.body);
    expectSigned(first);
    expectSigned(second);
    expect(await deliveries()).toEqual([
      { state: 'accepted', attempts: 1 },
      { state: 'accepted', attempts: 2 },
    ]);
  }, 120_000);

  it('never to a port beside the one that is allowed', async () => {
    await completed(`http://127.0.0.1:${other.port}`);
    expect(other.posts).toEqual([]);
    expect(await deliveries()).toHaveLength(2);
  }, 120_000);
});

/** Standard Webhooks, worked out here once more from its description. */
function expectSigned(post: Post | undefined): void {
  const { 'webhook-id': id, 'webhook-timestamp': at, 'webhook-signature': signature } = post?.headers ?? {};
  const text = `${String(id)}.${String(at)}.${post?.body}`;
  expect(signature).toBe(`v1,${createHmac('sha256', key).update(text).digest('base64')}`);
  expect(Math.abs(Date.now() / 1000 - Number(at))).toBeLessThan(60);
}

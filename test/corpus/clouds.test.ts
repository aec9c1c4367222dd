/** What clouds answer is input too: the corpus's cloud cases against the CloudStack adapter, the simulated cloud behind it. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OperationName } from '../../src/planner/plan.js';
import { cloudstack } from '../../src/provisioners/cloudstack/index.js';
import type { Provisioner } from '../../src/provisioners/provisioner.js';
import { startSimulatedCloudStack } from '../../src/simulators/cloudstack/server.js';
import { finished, handlerOf, requestFor } from '../conformance/small-engine.js';
import { anOrder } from '../provisioners/an-order.js';
import { ControlSide } from '../support/control-side.js';
import { expectedCode, readCorpus, textOf } from './corpus.js';

type Text = Parameters<typeof textOf>[0];

/** A case as its file describes it: which call, and what the cloud does with it. */
interface CloudFile {
  /** Sent once, and what is thrown is looked at. */
  operation?: OperationName;
  /** Looked up by its marker instead. */
  read?: OperationName;
  /** Sent, and its job followed to its end. */
  job?: OperationName;
  fault?: { operation: string; kind: string };
  /** What is answered to this command instead of the cloud's own answer. */
  answer?: { to: string; status: number; headers: Record<string, string>; body: Text };
  unreachable?: boolean;
}

const cases = readCorpus().filter(({ kind }) => kind === 'cloud');
const keys = { apiKey: 'corpus-api-key', secretKey: 'corpus-secret-key' };

describe('of the clouds, the corpus of bad answers', () => {
  let cloud: Awaited<ReturnType<typeof startSimulatedCloudStack>>;
  let between: Server;
  let canned: CloudFile['answer'];

  beforeAll(async () => {
    cloud = await startSimulatedCloudStack({ ...keys, latencyMs: { min: 1, max: 5 } });
    between = createServer((request, response) => void pass(request, response));
    await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  });
  afterAll(async () => {
    await new Promise((resolve) => between.close(resolve));
    await cloud.close();
  });

  /** Hands a request on to the simulated cloud, or answers it with what the case says. */
  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts).toString();
    if (canned && new URLSearchParams(body).get('command') === canned.to) {
      response.writeHead(canned.status, canned.headers).end(textOf(canned.body));
      return;
    }
    try {
      const headers = { 'content-type': request.headers['content-type'] ?? '' };
      const answer = await fetch(cloud.serviceUrl, { method: 'POST', headers, body });
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
    } catch {
      response.destroy(); // the cloud lost its answer, so does this
    }
  }

  function adapter(serviceUrl: string): Provisioner {
    return cloudstack({
      id: 'p1',
      name: 'corpus',
      kind: 'cloudstack',
      serviceUrl,
      credentials: keys,
      settings: { createOfferings: true, callsPerSecond: 5_000, requestTimeoutMs: 1_500 },
    });
  }

  async function settingsFor(provisioner: Provisioner, operation: OperationName) {
    const request = anOrder();
    const resolution = await provisioner.resolve(request);
    if (resolution.state === 'held') throw new Error(JSON.stringify(resolution.holds));
    const type = operation.startsWith('vm') ? 'VM' : 'EBS';
    const key = request.parts.find((part) => part.resourceType === type)?.key;
    const part = resolution.parts.find((one) => one.key === key);
    if (!part) throw new Error(`no part for ${operation}`);
    return part.settings;
  }

  it.each(cases.map((one) => [`${one.code}/${one.file}`, one] as const))(
    '%s is understood as it is',
    async (_name, one) => {
      const spec = JSON.parse(one.bytes.toString()) as CloudFile;
      const operation = spec.operation ?? spec.read ?? spec.job ?? 'ebs.create';
      const { port } = between.address() as AddressInfo;
      const provisioner = adapter(`http://127.0.0.1:${port}/client/api`);
      const nowhere = adapter('http://127.0.0.1:9/client/api');
      try {
        const settings = await settingsFor(provisioner, operation);
        const request = requestFor({ operation, settings, inputs: {} });
        const handler = handlerOf(spec.unreachable ? nowhere : provisioner, operation);
        canned = spec.answer;
        if (spec.fault) await ControlSide.at(cloud.url).fault(spec.fault);
        if (spec.job !== undefined) {
          const sent = await handler.send(request);
          if (sent.state !== 'pending') throw new Error(`there is no job: ${sent.state}`);
          const report = await finished(provisioner, operation, sent.jobId);
          expect(report.state).toBe(one.expect.report);
          if (report.state === 'failed') expect(report.code).toBe(expectedCode(one));
          return;
        }
        const error = await (spec.read === undefined ? handler.send(request) : handler.find(request)).then(
          () => null,
          (thrown: unknown) =>
            thrown as {
              name: string;
              code: string;
              message: string;
              disposition?: string;
              details?: { retryAfterMs?: number };
            },
        );
        expect({ name: error?.name, code: error?.code }).toEqual({ name: one.expect.error, code: expectedCode(one) });
        expect(error?.disposition).toBe(one.expect.disposition);
        expect(error?.message).not.toMatch(/\p{Surrogate}|\0|corpus-secret-key/u);
        const { retryAfterAtMostMs } = one.expect;
        if (retryAfterAtMostMs !== undefined)
          expect(error?.details?.retryAfterMs).toBeLessThanOrEqual(retryAfterAtMostMs);
      } finally {
        canned = undefined;
        await ControlSide.at(cloud.url).clearFaults();
        await Promise.all([provisioner.close(), nowhere.close()]);
      }
    },
  );
});

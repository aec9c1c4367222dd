import { it, jest } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { OneWorker } from '../support/one-worker.js';
import { seededRandom } from '../support/scenario-random.js';
import { platformIds } from '../support/scenario-world.js';
it('debug', async () => {
  const [p] = platformIds;
  const random = seededRandom(150216185);
  const site = await OneWorker.start({ platformIds: [p], callsPerSecond: 500, latencyMs: { min: 50, max: 200 } });
  try {
    for (let i = 0; i < 10; i++) await site.order(random, `tenant-${i % 3}`, p);
    for (let i = 0; (await site.effects(p)).length <= 10 && i < 500; i++) await sleep(50);
    await site.misbehave(p, { operation: '*', kind: 'unavailable', times: 1_000_000 });
    for (let i = 0; site.worker.platforms.weatherOf(p).state !== 'broken' && i < 500; i++) await sleep(20);
    for (let i = 0; i < 20; i++) await site.order(random, `tenant-${i % 3}`, p);
    await sleep(3000);
    await site.behave(p);
    process.on('unhandledRejection', (e) => console.log('999 {UNHANDLED', e));
    for (let i = 0; i < 2; i++) {
      await sleep(2000);
      const calls = await site['control'](p, 'calls');
      const res = (await site['control'](p, 'resources')) as { resources: any[] };
      const states: Record<string, number> = {};
      for (const r of res.resources) states[`${r.kind} ${r.state}`] = (states[`${r.kind} ${r.state}`] ?? 0) + 1;
      const ops = await site.query(`select name, state, count(*)::int, max((context->>'watches')::int) w from cloud_operation group by 1,2 order by 1,2`);
      await site.worker.platforms.get(p)!.direct.pollJobs([...(site.worker.poller as any).jobs.get(p).values()].map((j: any) => ({ jobId: j.jobId, operation: j.operation.name, submittedAt: new Date(j.submittedAt).toISOString() }))).then((m) => console.log('888 { ok', m.size)).catch((e) => console.log('888 {', e.name, e.message, (e as any).stack?.slice(0,900)));
      const po = site.worker.poller as any;
      console.log(i, JSON.stringify(await site.statuses()), JSON.stringify([...po.asking]), po.timers.size, JSON.stringify([...(po.jobs.get(p)?.values() ?? [])].slice(0, 3).map((j: any) => [j.nextPollAt - Date.now(), j.submittedAt - Date.now(), j.darkMsBefore, j.seenRunningMs])), JSON.stringify(ops), JSON.stringify([...po.typicalMs]));
      if ((await site.statuses())['completed'] === 30) break;
    }
  } finally { await site.stop(); }
}, 120000);

import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily } from '../call.js';
import { like, listAnswer } from '../call.js';
import { cloudDate, withoutNulls } from '../envelope.js';
import type { Job } from '../state/model.js';

export const jobCommands: CommandFamily = {
  queryAsyncJobResult: {
    kind: 'S',
    required: ['jobid'],
    run(call) {
      const id = call.params.required('jobid');
      const job = call.services.jobs.get(id);
      if (job === undefined) throw call.unknownId('jobid', id);
      call.checkAccess(job.accountId);
      return jobView(call, job);
    },
  },
  listAsyncJobs: {
    kind: 'S',
    run(call) {
      const { params } = call;
      const from = params.date('startdate');
      const keyword = params.text('keyword')?.toLowerCase();
      const owner = call.namedOwner();
      const all = params.flag('listall') === true;
      const rows: Job[] = [];
      for (const job of call.services.jobs.list()) {
        if (from !== undefined && job.created < from) continue;
        if (keyword !== undefined && !like(job.cmd, keyword)) continue;
        if (owner !== undefined ? job.accountId !== owner.id : !mayList(call, job, all)) continue;
        rows.push(job);
      }
      const withInternal = call.behaviour.listsInternalJobs && call.caller.isRootAdmin && all && keyword === undefined;
      return listAnswer(call, 'asyncjobs', withInternal ? rows.flatMap(withWork) : rows, (job) => jobView(call, job));
    },
  },
};

function mayList(call: Call, job: Job, all: boolean): boolean {
  return job.accountId === call.caller.account.id || (all && call.mayAccess(job.accountId));
}

/** Before 4.18 an admin's list also shows the internal work a job on a VM is made of. */
function withWork(job: Job): Job[] {
  if (job.instanceType !== 'VirtualMachine') return [job];
  return [
    job,
    { ...job, id: `00000000${job.id.slice(8)}`, cmd: 'com.cloud.vm.VmWorkStart', result: null, instanceId: null },
  ];
}

/** A job as both commands print it: fields directly in the wrapper (reference, section 4). */
export function jobView(call: Call, job: Job): JsonObject {
  const { behaviour, cloud } = call;
  const account = cloud.accounts.get(job.accountId);
  // A released address is still a row, and so is named for ever.
  const instanceLives =
    job.instanceId !== null && (job.instanceType === 'IpAddress' || !cloud.removed.has(job.instanceId));
  const owner: JsonObject =
    behaviour.jobOwnerFields && account !== undefined
      ? {
          account: account.name,
          domainid: account.domainId,
          domainpath: cloud.domains.get(account.domainId)?.path ?? 'ROOT',
        }
      : {};
  return withoutNulls({
    accountid: job.accountId,
    ...owner,
    userid: job.userId,
    cmd: job.cmd,
    jobstatus: job.status,
    jobprocstatus: 0,
    jobresultcode: job.resultCode,
    jobresulttype: job.result === null ? null : 'object',
    jobresult: job.result,
    jobinstancetype: instanceLives ? job.instanceType : null,
    jobinstanceid: instanceLives ? job.instanceId : null,
    created: cloudDate(job.created),
    completed: behaviour.jobCompleted && job.completed !== null ? cloudDate(job.completed) : null,
    jobid: job.id,
  });
}

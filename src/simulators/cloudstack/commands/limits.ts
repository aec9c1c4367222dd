import type { JsonObject } from '../../../json.js';
import type { Call, CommandFamily } from '../call.js';
import { listAnswer } from '../call.js';
import { cloudDate } from '../envelope.js';
import { invalidParameter } from '../errors.js';
import { limitOf, resourceTypes } from '../state/limits.js';
import type { Account } from '../state/model.js';

const typeCount = Object.keys(resourceTypes).length;

export const limitCommands: CommandFamily = {
  listResourceLimits: {
    kind: 'S',
    run(call) {
      const account = call.owner();
      const type = call.params.integer('resourcetype');
      const types = Array.from({ length: typeCount }, (_, index) => index).filter(
        (one) => type === undefined || one === type,
      );
      return listAnswer(call, 'resourcelimit', types, (one) => limitView(call, account, one));
    },
  },
  updateResourceLimit: {
    kind: 'S',
    admin: true,
    required: ['resourcetype'],
    run(call) {
      const account = call.owner();
      const type = call.params.integer('resourcetype') ?? -1;
      if (type < 0 || type >= typeCount) throw invalidParameter('Please specify a valid resource type.');
      const max = call.params.integer('max') ?? -1;
      if (max < -1) throw invalidParameter('Please specify either -1 for unlimited or a number from 0 for max');
      account.limits.set(type, max);
      call.effect('changed', 'account', account.id, [account.name]);
      return { resourcelimit: limitView(call, account, type) };
    },
  },
  getApiLimit: {
    kind: 'S',
    // guess: the root admin is exempt and throttling is off, so the numbers never move.
    run: (call) => ({
      apilimit: {
        accountid: call.caller.account.id,
        account: call.caller.account.name,
        apiIssued: 0,
        apiAllowed: 25,
        expireAfter: 1,
      },
    }),
  },
  listUsageRecords: {
    kind: 'S',
    admin: true,
    required: ['startdate', 'enddate'],
    run: listUsage,
  },
};

function limitView(call: Call, account: Account, type: number): JsonObject {
  return {
    ...call.ownerFields(account),
    resourcetype: String(type),
    ...(call.behaviour.minor >= 12 ? { resourcetypename: Object.keys(resourceTypes)[type] ?? '' } : {}),
    max: limitOf(account, type),
  };
}

/** Running VMs of the time asked for; the aggregation job of a real server runs once a day, here it is never late. */
function listUsage(call: Call): JsonObject {
  const { cloud, params } = call;
  const from = params.date('startdate') ?? 0;
  const until = params.date('enddate') ?? 0;
  if (from > until) throw invalidParameter(`Incorrect Date Range. Start date: ${from} is after end date: ${until}`);
  const type = params.integer('type');
  const owner = call.namedOwner();
  const vms = owner === undefined ? cloud.vms.values() : cloud.vms.ofAccount(owner.id);
  const rows =
    type !== undefined && type !== 1 ? [] : [...vms].filter((vm) => vm.created < until && vm.state === 'Running');
  return listAnswer(call, 'usagerecord', rows, (vm) => {
    const hours = Math.max(0, Math.min(until, Date.now()) - Math.max(from, vm.created)) / 3_600_000;
    return {
      ...call.ownerFields(vm),
      accountid: vm.accountId,
      zoneid: vm.zoneId,
      description: `${vm.name} running time (ServiceOffering: ${vm.serviceOfferingId})`,
      usage: `${hours.toFixed(2)} Hrs`,
      usagetype: 1,
      rawusage: String(hours),
      virtualmachineid: vm.id,
      name: vm.name,
      offeringid: vm.serviceOfferingId,
      templateid: vm.templateId,
      usageid: vm.id,
      startdate: cloudDate(Math.max(from, vm.created)),
      enddate: cloudDate(until),
    };
  });
}

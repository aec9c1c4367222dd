import type { Call, CommandFamily, CreatePlan, JobPlan } from '../call.js';
import { like, listAnswer, listRows } from '../call.js';
import { ApiError, inUse, invalidParameter } from '../errors.js';
import { cidrText, parseCidr } from '../../ipv4.js';
import { checkLimit } from '../state/limits.js';
import type { Account, Vpc } from '../state/model.js';
import { takePublicAddress } from '../state/networking.js';
import { removeVpc } from '../state/removal.js';
import { vpcView } from '../views/network.js';

export const vpcCommands: CommandFamily = {
  createVPC: {
    kind: 'AC',
    cmd: 'user.vpc.CreateVPC',
    required: ['name', 'vpcofferingid', 'zoneid'],
    requiredUpTo49: ['cidr', 'displaytext'],
    run: create,
  },
  updateVPC: { kind: 'A', cmd: 'user.vpc.UpdateVPC', required: ['id'], run: update },
  deleteVPC: { kind: 'A', cmd: 'user.vpc.DeleteVPC', required: ['id'], run: remove },
  listVPCs: {
    kind: 'S',
    run(call) {
      const name = call.params.text('name')?.toLowerCase();
      const zoneId = call.params.text('zoneid');
      const state = call.params.text('state');
      const rows = listRows(call, call.cloud.vpcs, {
        keyword: (vpc) => [vpc.name],
        // guess: LIKE, as for VMs of the older versions.
        accept: (vpc) =>
          (name === undefined || like(vpc.name, name)) &&
          (zoneId === undefined || vpc.zoneId === zoneId) &&
          (state === undefined || vpc.state === state),
      });
      return listAnswer(call, 'vpc', rows, (vpc) => vpcView(call, vpc));
    },
  },
};

function create(call: Call): CreatePlan {
  const { cloud, params } = call;
  const owner = call.owner();
  const zone = call.catalogue(cloud.zones, 'zoneid');
  const offering = call.catalogue(cloud.vpcOfferings, 'vpcofferingid');
  if (zone.securityGroups) throw invalidParameter(`Zone ${zone.id} has security groups and no VPCs`);
  if (offering.state !== 'Enabled') throw invalidParameter('VPC offering is not enabled');
  const cidr = parseCidr(params.required('cidr'));
  if (cidr === null) throw invalidParameter(`Invalid CIDR ${params.required('cidr')}`);
  checkLimit(cloud, owner, 'vpc', 1);
  const name = params.required('name');
  const vpc: Vpc = {
    id: cloud.newId(),
    accountId: owner.id,
    created: Date.now(),
    name,
    displaytext: params.text('displaytext') ?? name,
    cidr: cidrText(cidr),
    zoneId: zone.id,
    offeringId: offering.id,
    networkDomain:
      params.text('networkdomain') ?? owner.networkDomain ?? `cs${cloud.nextSerial().toString(16)}cloud.internal`,
    state: 'Enabled',
  };
  cloud.vpcs.add(vpc);
  call.effect('created', 'vpc', vpc.id, [vpc.name, vpc.displaytext]);
  return {
    instanceType: 'Vpc',
    instanceId: vpc.id,
    finish() {
      requireAlive(call, vpc);
      // guess: the router's own address comes with the VPC, not with its first tier.
      if (params.flag('start') !== false) giveRouter(call, owner, vpc);
      return { vpc: vpcView(call, vpc) };
    },
    undo: () => removeVpc(call, vpc),
  };
}

/** Whatever it lacks, the job says no more than this (recorded), and the VPC is gone. */
function giveRouter(call: Call, owner: Account, vpc: Vpc): void {
  try {
    takePublicAddress(call, owner, { zoneId: vpc.zoneId, networkId: null, vpcId: vpc.id, sourceNat: true });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    throw new ApiError(530, 'Failed to create VPC');
  }
}

function requireAlive(call: Call, vpc: Vpc): void {
  if (call.cloud.vpcs.get(vpc.id) !== vpc) throw invalidParameter(`unable to find VPC by id ${vpc.id}`);
}

function update(call: Call): JobPlan {
  const vpc = call.row(call.cloud.vpcs, 'id');
  const before = { name: vpc.name, displaytext: vpc.displaytext };
  return {
    instanceType: 'Vpc',
    instanceId: vpc.id,
    queue: `vpc:${vpc.id}`,
    finish() {
      requireAlive(call, vpc);
      vpc.name = call.params.text('name') ?? vpc.name;
      vpc.displaytext = call.params.text('displaytext') ?? vpc.displaytext;
      call.effect('changed', 'vpc', vpc.id, [vpc.name, vpc.displaytext]);
      return { vpc: vpcView(call, vpc) };
    },
    undo: () => Object.assign(vpc, before),
  };
}

/** A VPC has to be empty. guess: 536 in the job. */
function remove(call: Call): JobPlan {
  const vpc = call.row(call.cloud.vpcs, 'id');
  const refuseUsed = () => {
    const tiers = call.cloud.networksOfVpc.get(vpc.id).size;
    if (tiers > 0) throw inUse(`Can't delete VPC ${vpc.name} as its used by ${tiers} networks`);
  };
  return {
    instanceType: 'Vpc',
    instanceId: vpc.id,
    queue: `vpc:${vpc.id}`,
    begin: refuseUsed,
    finish() {
      requireAlive(call, vpc);
      refuseUsed();
      removeVpc(call, vpc);
      return { success: true };
    },
    pretend: () => ({ success: true }),
  };
}

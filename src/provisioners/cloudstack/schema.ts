import { z } from 'zod';
import { Bool, CloudDate, Id, Int, jobFields, orEmpty, orFalse, orNull, ownerFields, Text } from './wire-values.js';

/** CloudStack's answers as far as orders need them, only the fields we read; the rest is in `schema-operations.ts`. */
export const Capability = z.object({
  capability: z.object({
    cloudstackversion: Text,
    customdiskofferingminsize: orNull(Int),
    customdiskofferingmaxsize: orNull(Int),
  }),
});

/** Answer to a command that starts a job; AC commands name the new thing at once. */
export const JobAccepted = z.object({ jobid: Id, id: orNull(Id) });
/** Plain success, text up to 4.9. `false` is a refusal nobody has seen; it is not taken for success. */
export const Success = z.object({ success: Bool.pipe(z.literal(true)) });

/** A failure's code and text, or one object under a key of its own: `{ virtualmachine: { id, password, … } }`. */
const JobResult = z.looseObject({ errorcode: orNull(Int), errortext: orNull(Text) });
export const JobObject = z.object({
  id: Id.optional().catch(undefined),
  password: z.string().optional().catch(undefined),
});
export const Job = z.object({
  jobid: Id,
  jobstatus: Int,
  jobresultcode: orNull(Int),
  // Bare text for some results (jobresulttype `text`): of no use to us.
  jobresult: JobResult.nullish().catch(null),
  jobinstanceid: orNull(Id),
  created: CloudDate,
});
export type Job = z.infer<typeof Job>;

export const TenantAccount = z.object({
  id: Id,
  name: Text,
  domainid: Id,
  /** `enabled`, `disabled`, `locked`. */
  state: Text,
  user: orEmpty(
    z.object({ id: Id, username: Text, firstname: orNull(Text), lastname: orNull(Text), created: CloudDate }),
  ),
});
export type TenantAccount = z.infer<typeof TenantAccount>;
const Left = orNull(Text);
/** The account we speak as, with what is left of its quota: a number as text, or `Unlimited`. */
export const OwnAccount = z.object({
  id: Id,
  name: Text,
  domainid: Id,
  /** 0 user, 1 root administrator, 2 domain administrator. */
  accounttype: orNull(Int),
  vmavailable: Left,
  volumeavailable: Left,
  ipavailable: Left,
  vpcavailable: Left,
  networkavailable: Left,
  cpuavailable: Left,
  memoryavailable: Left,
  primarystorageavailable: Left,
});
export type OwnAccount = z.infer<typeof OwnAccount>;
export const AccountMade = z.object({ account: TenantAccount });
/** Both keys are shown once, and not kept. */
export const UserKeys = z.object({ userkeys: z.object({ apikey: Text, secretkey: Text }) });

export const Zone = z.object({ id: Id, name: Text, networktype: orNull(Text), securitygroupsenabled: orFalse });
export type Zone = z.infer<typeof Zone>;
export const Template = z.object({
  id: Id,
  name: orNull(Text),
  zoneid: orNull(Id),
  /** Bytes. */
  size: orNull(Int),
  passwordenabled: orFalse,
  isready: orFalse,
  ostypename: orNull(Text),
});
export type Template = z.infer<typeof Template>;
const Limits = z.object({
  mincpunumber: orNull(Int),
  maxcpunumber: orNull(Int),
  minmemory: orNull(Int),
  maxmemory: orNull(Int),
});
export const ServiceOffering = z.object({
  id: Id,
  name: Text,
  cpunumber: orNull(Int),
  /** MHz. */
  cpuspeed: orNull(Int),
  /** MiB. */
  memory: orNull(Int),
  /** Mbit/s on the VM's default network card. */
  networkrate: orNull(Int),
  iscustomized: orFalse,
  issystem: orFalse,
  isvolatile: orFalse,
  hosttags: orNull(Text),
  tags: orNull(Text),
  deploymentplanner: orNull(Text),
  state: orNull(Text),
  zoneid: orNull(Text),
  rootdisksize: orNull(Int),
  serviceofferingdetails: Limits.nullish().catch(null),
});
export type ServiceOffering = z.infer<typeof ServiceOffering>;
export const DiskOffering = z.object({
  id: Id,
  name: Text,
  disksize: orNull(Int),
  iscustomized: orFalse,
  tags: orNull(Text),
});
export type DiskOffering = z.infer<typeof DiskOffering>;
export const NetworkOffering = z.object({
  id: Id,
  name: Text,
  state: orNull(Text),
  forvpc: orFalse,
  serviceofferingid: orNull(Id),
});
export const VpcOffering = z.object({ id: Id, name: Text, state: orNull(Text) });
export const SshKeyPair = z.object({ id: orNull(Id), name: Text, ...ownerFields });
export const SecurityGroup = z.object({ id: Id, ...ownerFields });
export const Snapshot = z.object({ id: Id, ...ownerFields });

const Nic = z.object({ networkid: orNull(Id), ipaddress: orNull(Text), isdefault: orFalse });
export const VirtualMachine = z.object({
  id: Id,
  name: Text,
  state: Text,
  nic: orEmpty(Nic),
  created: CloudDate,
  ...jobFields,
});
export type VirtualMachine = z.infer<typeof VirtualMachine>;
export const Volume = z.object({
  id: Id,
  name: Text,
  state: Text,
  /** Bytes, although it is asked for in GB. */
  size: orNull(Int),
  virtualmachineid: orNull(Id),
  deviceid: orNull(Int),
  created: CloudDate,
  ...jobFields,
});
export type Volume = z.infer<typeof Volume>;
const Tag = z.object({ key: Text, value: orNull(Text) });
export const Address = z.object({
  id: Id,
  ipaddress: orNull(Text),
  state: Text,
  allocated: CloudDate,
  issourcenat: orFalse,
  isstaticnat: orFalse,
  virtualmachineid: orNull(Id),
  tags: orEmpty(Tag),
  ...jobFields,
});
export type Address = z.infer<typeof Address>;
export const Vpc = z.object({
  id: Id,
  name: Text,
  displaytext: orNull(Text),
  state: orNull(Text),
  zoneid: orNull(Id),
  created: CloudDate,
  ...jobFields,
});
export const Network = z.object({
  id: Id,
  name: Text,
  displaytext: orNull(Text),
  state: orNull(Text),
  type: orNull(Text),
  zoneid: orNull(Id),
  vpcid: orNull(Id),
  account: orNull(Text),
  domainid: orNull(Id),
  created: CloudDate,
});
export type Network = z.infer<typeof Network>;
export const NetworkMade = z.object({ network: Network });
export const AclList = z.object({ id: Id, name: Text, description: orNull(Text), vpcid: orNull(Id) });
export type AclList = z.infer<typeof AclList>;
export const AclRule = z.object({ id: Id, number: orNull(Int), state: orNull(Text), ...jobFields });

import type { Command } from '../call.js';
import { accountCommands } from './accounts.js';
import { addressCommands } from './addresses.js';
import { aclCommands } from './acls.js';
import { catalogueCommands } from './catalogue.js';
import { firewallCommands } from './firewall.js';
import { jobCommands } from './jobs.js';
import { keyPairCommands } from './key-pairs.js';
import { limitCommands } from './limits.js';
import { networkCommands } from './networks.js';
import { offeringCommands } from './offerings.js';
import { projectCommands } from './projects.js';
import { securityGroupCommands } from './security-groups.js';
import { snapshotCommands } from './snapshots.js';
import { tagCommands } from './tags.js';
import { userCommands } from './users.js';
import { vmChangeCommands } from './vm-changes.js';
import { vmDeployCommands } from './vm-deploy.js';
import { vmLifecycleCommands } from './vm-lifecycle.js';
import { volumeCommands } from './volumes.js';
import { vpcCommands } from './vpcs.js';

/** Every command by its case-sensitive name. */
export const commands: ReadonlyMap<string, Command> = new Map(
  [
    accountCommands,
    userCommands,
    projectCommands,
    catalogueCommands,
    offeringCommands,
    vmDeployCommands,
    vmLifecycleCommands,
    vmChangeCommands,
    volumeCommands,
    snapshotCommands,
    networkCommands,
    vpcCommands,
    aclCommands,
    addressCommands,
    firewallCommands,
    securityGroupCommands,
    keyPairCommands,
    tagCommands,
    limitCommands,
    jobCommands,
  ].flatMap((family) => Object.entries(family)),
);

import { backupRoutes } from './cinder/backups.js';
import { catalogueRoutes } from './cinder/catalogue.js';
import { messageRoutes } from './cinder/messages.js';
import { quotaRoutes as cinderQuotaRoutes } from './cinder/quota.js';
import { snapshotRoutes } from './cinder/snapshots.js';
import { volumeActionRoutes } from './cinder/volume-actions.js';
import { volumeRoutes } from './cinder/volumes.js';
import { imageRoutes } from './glance/images.js';
import { applicationCredentialRoutes } from './keystone/application-credentials.js';
import { authRoutes } from './keystone/auth.js';
import { projectRoutes } from './keystone/projects.js';
import { roleRoutes } from './keystone/roles.js';
import { userRoutes } from './keystone/users.js';
import { availabilityRoutes } from './neutron/availability.js';
import { floatingIpRoutes } from './neutron/floatingips.js';
import { networkRoutes } from './neutron/networks.js';
import { portRoutes } from './neutron/ports.js';
import { qosRoutes } from './neutron/qos.js';
import { quotaRoutes as neutronQuotaRoutes } from './neutron/quota.js';
import { routerInterfaceRoutes } from './neutron/router-interfaces.js';
import { routerRoutes } from './neutron/routers.js';
import { securityGroupRoutes } from './neutron/security-groups.js';
import { subnetRoutes } from './neutron/subnets.js';
import { tagRoutes } from './neutron/tags.js';
import { actionRoutes } from './nova/actions.js';
import { flavorRoutes } from './nova/flavors.js';
import { instanceActionRoutes } from './nova/instance-actions.js';
import { interfaceRoutes } from './nova/interfaces.js';
import { keyPairRoutes } from './nova/keypairs.js';
import { quotaRoutes as novaQuotaRoutes } from './nova/quota.js';
import { serverRoutes } from './nova/servers.js';
import { volumeAttachmentRoutes } from './nova/volume-attachments.js';
import type { Route } from './route.js';

/** Every call of the five services that is simulated. */
export const routes: Route[] = [
  ...authRoutes,
  ...projectRoutes,
  ...userRoutes,
  ...roleRoutes,
  ...applicationCredentialRoutes,
  ...flavorRoutes,
  ...serverRoutes,
  ...actionRoutes,
  ...instanceActionRoutes,
  ...volumeAttachmentRoutes,
  ...interfaceRoutes,
  ...keyPairRoutes,
  ...novaQuotaRoutes,
  ...volumeRoutes,
  ...volumeActionRoutes,
  ...snapshotRoutes,
  ...backupRoutes,
  ...messageRoutes,
  ...catalogueRoutes,
  ...cinderQuotaRoutes,
  ...networkRoutes,
  ...subnetRoutes,
  ...portRoutes,
  ...routerRoutes,
  ...routerInterfaceRoutes,
  ...securityGroupRoutes,
  ...floatingIpRoutes,
  ...qosRoutes,
  ...tagRoutes,
  ...availabilityRoutes,
  ...neutronQuotaRoutes,
  ...imageRoutes,
];

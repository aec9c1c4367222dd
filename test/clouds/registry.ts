import { cloudstack } from './cloudstack.js';
import { openstack } from './openstack.js';
import type { TestCloud } from './test-cloud.js';

/** Every cloud that the scenarios, the crash sweep and the simulation take. */
export const testClouds: Readonly<Record<string, TestCloud>> = { cloudstack, openstack };

import { describe } from '@jest/globals';
import { behavesLikeAProvisioner } from '../../conformance/provisioner.js';
import { simulated } from './simulated.js';

// The oldest with a job id of our choosing, one between, and the newest: the versions differ in how they list and answer.
describe('CloudStack with an account for every user', () => {
  behavesLikeAProvisioner(() => simulated({ settings: { registerTenants: 'first-order' } }));
});

describe.each(['4.9', '4.13', '4.22'])('CloudStack %s', (version) => {
  behavesLikeAProvisioner(() => simulated({ version }));
});

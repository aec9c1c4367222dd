import { describe } from '@jest/globals';
import { behavesLikeAProvisioner } from '../../conformance/provisioner.js';
import { simulated } from './simulated.js';

// As recorded, and the oldest whose servers can be marked when they are made and have root disks of a type (Stein).
describe.each([
  ['2.93', '3.70'],
  ['2.67', '3.59'],
])('OpenStack with Nova %s and Cinder %s', (computeMaximum, volumeMaximum) => {
  behavesLikeAProvisioner(() => simulated({ computeMaximum, volumeMaximum }));
});

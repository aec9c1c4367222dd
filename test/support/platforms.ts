import { type PlatformConfig, type Provisioner } from '../../src/provisioners/provisioner.js';

/** A certificate of nobody, valid until 2126. */
export const certificate = `-----BEGIN CERTIFICATE-----
MIIBiTCCAS+gAwIBAgIUY95YxpdtOmR8lNA8dvK0/SR+ZbUwCgYIKoZIzj0EAwIw
GTEXMBUGA1UEAwwOVGVzdCBhdXRob3JpdHkwIBcNMjYxMTIxMTQzNzM1WhgPMjEy
NjEwMjgxNDM3MzVaMBkxFzAVBgNVBAMMDlRlc3QgYXV0aG9yaXR5MFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAED6qexJXltn35eEwxy6e8E0VIJWb2Iv7EF/479VXB
y2dQ8XczH2seuwqbBHmIL1XSP9v7esZppLDjHlEGKxxz5aNTMFEwHQYDVR0OBBYE
FJBB9chM7oRNzLnPXuyp6MyrCFuvMB8GA1UdIwQYMBaAFJBB9chM7oRNzLnPXuyp
6MyrCFuvMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgDNZ1a7me
Wr4TN0SwHzfridLySROs/Ei37rL3Qwr9APICIQC8zzLjeRWGyaOVi4mwbCMlR6Oo
tFX5IHlikwcG4KTx8A==
-----END CERTIFICATE-----
`;

/** Clouds of every kind that take what they are given and keep it to be looked at. */
export class RecordedClouds {
  readonly built: PlatformConfig[] = [];
  readonly kinds = ['cloudstack', 'openstack'];
  closed = 0;

  readonly createProvisioner = (config: PlatformConfig): Provisioner => {
    this.built.push(config);
    const never = () => Promise.reject(new Error('nobody asks this of a recorded cloud'));
    return {
      capabilities: { detachedDisk: true, publicAddress: true },
      operations: {},
      resolve: never,
      pollJobs: never,
      check: () =>
        Promise.resolve([
          { what: 'login', ok: false, detail: `refused: ${Object.values(config.credentials).join(' ')}` },
        ]),
      close: () => Promise.resolve(void (this.closed += 1)),
    };
  };
}

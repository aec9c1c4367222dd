import { startSimulatedCloudStack } from '../simulators/cloudstack/server.js';
import { startSimulatedOpenStack } from '../simulators/openstack/server.js';

export interface SimulateOptions {
  port?: number;
  /** CloudStack only: which release to behave like. */
  release: string;
  /** How long jobs take, in milliseconds. */
  latency: { min: number; max: number };
  seed?: number;
}

interface StartedSimulator {
  /** What it is, for the first line on the terminal. */
  name: string;
  url: string;
  serviceUrl: string;
  close(): Promise<void>;
}

/** The simulated clouds by the name `simulate` takes. Secrets come from the environment, never from the command line. */
export const simulators: Record<
  string,
  (options: SimulateOptions, env: Record<string, string | undefined>) => Promise<StartedSimulator>
> = {
  async cloudstack({ port, release, latency, seed }, env) {
    const apiKey = env['ORDERWRIGHT_SIMULATOR_API_KEY'];
    const secretKey = env['ORDERWRIGHT_SIMULATOR_SECRET_KEY'];
    const started = await startSimulatedCloudStack({
      port: port ?? 0,
      version: release,
      latencyMs: latency,
      ...(seed !== undefined && { seed }),
      ...(apiKey && secretKey && { apiKey, secretKey }),
    });
    return { ...started, name: `CloudStack ${release}` };
  },
  async openstack({ port, latency, seed }, env) {
    const adminPassword = env['ORDERWRIGHT_SIMULATOR_ADMIN_PASSWORD'];
    const started = await startSimulatedOpenStack({
      port: port ?? 0,
      latencyMs: latency,
      ...(seed !== undefined && { seed }),
      ...(adminPassword && { adminPassword }),
    });
    return { ...started, name: 'OpenStack' };
  },
};

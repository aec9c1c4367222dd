import { relative } from 'node:path';
import type { EmbeddedProfile } from '../embedded/profile.js';
import { simulatedCloudOf } from '../simulators/registry.js';
import type { Io } from './io.js';
import { pad } from './terminal.js';

/** What `orderwright up` says once everything runs. */
export function describeUp(
  { url, dataDir, logFile, postgres, simulators, config }: EmbeddedProfile,
  version: string,
  { paint, env }: Io,
): string[] {
  const folder = relative(process.cwd(), dataDir) || '.';
  const found = postgres.attached || simulators.some((one) => one.attached) ? ', found running' : '';
  const fields = [
    ['API', `${paint('bold', url)}  ${paint('grey', '/v1/work-orders  /v1/events  /openapi.json')}`],
    ['intake', `POST ${url}/api/msg/order/${config.kafka ? `, Kafka topic ${config.kafka.topics.orders}` : ''}`],
    ...simulators.map(({ name, serviceUrl, cloud }, i) => [
      i === 0 ? 'clouds' : '',
      `${name}  ${serviceUrl}  ${paint('grey', `simulated ${simulatedCloudOf(cloud).title}`)}`,
    ]),
    ['data', `${folder}  ${paint('grey', `PostgreSQL on port ${postgres.port}${found}`)}`],
    ['log', relative(process.cwd(), logFile)],
  ];
  const other = env['ORDERWRIGHT_URL'] || folder === '.orderwright' ? '' : ` --data ${folder}`;
  return [
    '',
    `  ${paint('green', '●')} ${paint('bold', 'Orderwright')} ${version} is up`,
    '',
    ...fields.map(([name = '', value = '']) => `    ${paint('grey', pad(name, 7))} ${value}`),
    '',
    `    ${paint('grey', 'try')}     npx orderwright submit examples/work-orders/order-60.json${other}`,
    `            npx orderwright orders list${other}`,
    '',
    `  ${paint('grey', 'Ctrl-C stops everything; what is stored stays.')}`,
    '',
  ];
}

/** `npm run demo`: installs and builds what is missing, then runs the demo. Arguments: --kafka, --keep, --data DIR. */
import { bootstrap } from './bootstrap.mjs';

try {
  await bootstrap();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
await import('../dist/src/cli/demo.js');

import { readFileSync } from 'node:fs';

/** The version of this package; sources lie two folders below it, built files three. */
export function packageVersion(): string {
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      return (JSON.parse(readFileSync(new URL(up, import.meta.url), 'utf8')) as { version: string }).version;
    } catch {
      // the other one
    }
  }
  return '0.0.0';
}

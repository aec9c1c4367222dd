import { ProvisioningError } from '../errors.js';
import type { CheckLine } from './provisioner.js';

/** One line of a check: what was found, or the error that says what is missing. Never throws. */
export async function checkLine(what: string, look: () => Promise<string>): Promise<CheckLine> {
  try {
    return { what, ok: true, detail: await look() };
  } catch (error) {
    const code = error instanceof ProvisioningError ? `${error.code}: ` : '';
    return { what, ok: false, detail: `${code}${error instanceof Error ? error.message : String(error)}` };
  }
}

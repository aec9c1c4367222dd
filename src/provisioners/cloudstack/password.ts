import { ProvisioningError } from '../../errors.js';

/** How a VM's root password came about; a fact of the VM, so that support knows what to tell the customer. */
export type PasswordFrom = 'order' | 'user-data' | 'generated' | 'none';

/**
 * Before 4.19 a password of the customer's choice cannot be given to deployVirtualMachine, and a template without
 * `passwordenabled` takes none at all: then cloud-init sets it from the user data.
 */
export function passwordFrom(wanted: boolean, templateTakesOne: boolean, serverTakesOne: boolean): PasswordFrom {
  if (wanted) return templateTakesOne && serverTakesOne ? 'order' : 'user-data';
  return templateTakesOne ? 'generated' : 'none';
}

/** The parameter that carries the password; never logged, and cut out of every message by the client. */
export function passwordParams(
  from: PasswordFrom,
  password: string | undefined,
): { password?: string; userdata?: string } {
  if (from !== 'order' && from !== 'user-data') return {};
  if (password === undefined) {
    // Somebody removed it from the database; building without it would make a machine nobody can enter.
    throw new ProvisioningError(
      'ask-human',
      'CLD_SECRET_MISSING',
      'the root password of this order is not kept any more',
    );
  }
  return from === 'order' ? { password } : { userdata: userData(password) };
}

/** JSON is YAML, and its quoting leaves no way out of the string; a line break would add a second user's line all the same. */
function userData(password: string): string {
  if (/[\r\n]/.test(password)) {
    throw new ProvisioningError('reject', 'CLD_PARAMETER', 'the root password contains a line break');
  }
  const config = { ssh_pwauth: true, disable_root: false, chpasswd: { expire: false, list: `root:${password}\n` } };
  return Buffer.from(`#cloud-config\n${JSON.stringify(config)}\n`).toString('base64');
}

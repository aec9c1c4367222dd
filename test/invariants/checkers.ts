/** All of them, in the order of the invariants. README.md says what each reads, and which test covers the rest. */
import type { Checker } from './facts.js';
import { noLostOrder } from './i01-no-lost-order.js';
import { oneOrderOnce } from './i02-one-order-once.js';
import { effectOnce } from './i03-effect-once.js';
import { intentFirst } from './i04-intent-first.js';
import { unknownIsAState } from './i05-unknown-is-a-state.js';
import { fencing } from './i06-fencing.js';
import { everythingEnds } from './i07-everything-ends.js';
import { compensation } from './i08-compensation.js';
import { stableEvents } from './i09-stable-events.js';
import { eventOrder } from './i10-event-order.js';
import { outbox } from './i11-outbox.js';
import { poison } from './i12-poison.js';
import { tenantData } from './i13-tenant-data.js';
import { noSecretSeen } from './i15-secrets.js';
import { replay } from './i19-replay.js';
import { asOrdered } from './i21-as-ordered.js';
import { shownElsewhere } from './shown-elsewhere.js';

export const checkers: readonly Checker[] = [
  noLostOrder,
  oneOrderOnce,
  effectOnce,
  intentFirst,
  unknownIsAState,
  fencing,
  everythingEnds,
  compensation,
  stableEvents,
  eventOrder,
  outbox,
  poison,
  tenantData,
  noSecretSeen,
  replay,
  asOrdered,
  ...shownElsewhere,
];

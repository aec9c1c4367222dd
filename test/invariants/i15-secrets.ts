import type { Checker } from './facts.js';
import { guises } from './guises.js';

/**
 * I15 secrets: no secret of the run stands in anything that was written, told or answered, in any encoding. Hand a dump
 * of the tables over as one of the outputs ({@link Evidence.outputs}); test/scenarios/secrets.test.ts does all of it.
 */
export const noSecretSeen: Checker = {
  invariant: 'I15',
  check({ evidence }) {
    const { secrets, outputs, events, rejected, callbacks } = evidence;
    if (!secrets || secrets.length === 0) return null;
    const texts = [
      ...(outputs ?? []),
      ...(events ?? []).map(({ id, text }) => ({ name: `event ${id}`, text })),
      ...(rejected ?? []).map(({ messageId, text }) => ({ name: `rejection ${messageId}`, text })),
      ...(callbacks ?? []).map(({ id, body }) => ({ name: `callback ${id}`, text: body })),
    ];
    if (texts.length === 0) return null;
    return texts.flatMap(({ name, text }) =>
      // The secret itself is not repeated here: what a test prints is an output too.
      secrets.flatMap((secret, i) =>
        guises(secret).some((guise) => text.includes(guise)) ? [`${name} shows secret ${i}`] : [],
      ),
    );
  },
};

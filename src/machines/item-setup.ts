import { assign, setup } from 'xstate';
import { givenUpCodes, type ItemContext, type ItemEvent, needFailedCode } from './item.js';

/**
 * What the machines of all items are written with, so that each of them is its states and nothing else. `startOperation` is an
 * effect; the runner carries it out under the rules of `operation.machine.ts`.
 *
 * @example itemSetup<'vm.create' | 'vm.delete'>().createMachine({ … })
 */
export function itemSetup<Operation extends string>() {
  return setup({
    types: { context: {} as ItemContext, events: {} as ItemEvent },
    guards: {
      belongsToVm: ({ context }) => context.hasVm,
      // An operator gave it up while its request was out, or the order was undone before it was there.
      givenUp: ({ context, event }) =>
        givenUpCodes.includes(context.failure?.code ?? '') ||
        (event.type === 'OPERATION_FAILED' && givenUpCodes.includes(event.failure.code)),
      // Nothing is wrong with it: what it is for will not come, or nobody wants it any more.
      notWanted: ({ context }) => [needFailedCode, ...givenUpCodes].includes(context.failure?.code ?? ''),
      neverTried: ({ context }) => context.failure?.code === needFailedCode,
      hasFailed: ({ context }) => context.failure !== null,
    },
    actions: {
      startOperation: (_, _params: { operation: Operation }) => {},
      noteFacts: assign(({ context, event }) =>
        event.type === 'OPERATION_DONE' ? { facts: { ...context.facts, ...event.facts } } : {},
      ),
      noteFailure: assign(({ event }) => ('failure' in event ? { failure: event.failure } : {})),
      forgetFailure: assign(() => ({ failure: null })),
      forgetFacts: assign(() => ({ facts: {} })),
    },
  });
}

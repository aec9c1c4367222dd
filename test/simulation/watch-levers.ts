/** Levers while a run goes on: each is answered in time, answered truly, and ends the order as it was told. */
import type { Lever } from '../../src/machines/levers.js';
import type { SimulatedProcess } from './virtual-time.js';

export type LeverFate =
  | { state: 'waiting' }
  | { state: 'done'; ends: string; at: number }
  /** Told that nothing was done. */
  | { state: 'refused'; code: string }
  /** Told that nobody knows. */
  | { state: 'unclear' };

export interface Pull {
  process: SimulatedProcess;
  /** `pull`: as an operator asked; `pullHere`: where the order is, for a lever that was pulled at another worker. */
  at: 'pull' | 'pullHere';
  orderId: string;
  lever: Lever;
  fate: LeverFate;
  /** Time in which its worker lived and had its database, ms. */
  waitedMs: number;
  /** Whether its silence was told of already. */
  isTold: boolean;
  /** Why its forecast need not come true: what went wrong, or was asked for, after it. */
  excuse: string | null;
}

/** A lever that nobody answers for so long is not answered at all, ms. */
export const longestWaitMs = 30_000;

/** @returns what a lever has been silent about for too long; null while it may still be answered */
export function silenceProblem(pull: Pull): string | null {
  if (pull.fate.state !== 'waiting' || pull.isTold || pull.waitedMs <= longestWaitMs) return null;
  const where = pull.at === 'pull' ? 'at' : 'where the order is,';
  return `${pull.lever.act} of ${pull.orderId} (${pull.lever.reason}) ${where} ${pull.process.name} is not answered for ${Math.round(pull.waitedMs)} ms`;
}

/**
 * Whether what is written down agrees with what was answered: nothing of what was refused, one entry for each that was done.
 *
 * @param same every pull of the same act at the same order for the same reason: nothing else tells their entries apart
 * @param isOver whether answers may still come
 */
export function auditProblem(same: readonly Pull[], entries: number, isOver = false): string | null {
  const [first] = same;
  if (!first) return null;
  const pulled = same.filter(({ at }) => at === 'pull');
  const of = (state: LeverFate['state']) => pulled.filter(({ fate }) => fate.state === state).length;
  const most = of('done') + of('unclear') + of('waiting');
  const what = `${first.lever.act} of ${first.orderId} (${first.lever.reason})`;
  const said = `was done ${of('done')} times and refused ${of('refused')} times`;
  if (entries < of('done')) return `${what} ${said}, and is written down ${entries} times`;
  // A lever that the other side has not answered yet may be written down already.
  if (entries > most && (isOver || of('refused') === pulled.length))
    return `${what} ${said}, and is written down ${entries} times`;
  return null;
}

/** A refused hold or cancel must not be what the order gives as its reason. */
export function refusedChangeProblem({ fate, lever, orderId }: Pull, reason: string | null): string | null {
  if (fate.state !== 'refused' || (lever.act !== 'hold' && lever.act !== 'cancel')) return null;
  if (reason !== lever.reason) return null;
  return `${lever.act} of ${orderId} was refused (${fate.code}), and the order gives "${reason}" as its reason`;
}

/** Events that are the cloud's no: what was forecast for "nothing else goes wrong" is off. */
export const wrongs: readonly string[] = ['REJECTED', 'NEEDS_OPERATOR', 'JOB_FAILED', 'BROKEN', 'OVERDUE', 'TRY_LATER'];

/** Whether a lever's word was kept. @param status of the order at the end of the run */
export function forecastProblem(pull: Pull, workOrderId: string, status: string): string | null {
  const { fate, excuse, lever, at } = pull;
  if (at !== 'pull' || fate.state !== 'done' || excuse !== null || fate.ends === status) return null;
  return `${lever.act} of ${workOrderId} (${lever.reason}) said that it ends ${fate.ends}; nothing else went wrong, and it is ${status}`;
}

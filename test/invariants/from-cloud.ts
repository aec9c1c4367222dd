/** Evidence of a simulated cloud, from the control side that each of them serves. */
import type { CloudEffect, CloudEvidence, CloudResource } from './evidence.js';

/** Asks for one path under `/_sim/`: over HTTP, or of a cloud in the same process. */
export type AskControl = (path: string) => Promise<unknown>;

export type CloudOptions = Pick<CloudEvidence, 'name'> & Partial<Pick<CloudEvidence, 'foreignIds' | 'settleWindowMs'>>;

export async function cloudEvidence(ask: AskControl, options: CloudOptions): Promise<CloudEvidence> {
  const { resources } = (await ask('/_sim/resources')) as { resources: CloudResource[] };
  const { effects, dropped } = (await ask('/_sim/effects')) as { effects: CloudEffect[]; dropped: number };
  return { ...options, resources, effects, droppedEffects: dropped };
}

/** @param url of the cloud; a path in it does not matter */
export function askOverHttp(url: string): AskControl {
  return async (path) => {
    const answer = await fetch(new URL(path, url), { signal: AbortSignal.timeout(30_000) });
    if (!answer.ok) throw new Error(`${path} was answered with ${answer.status}`);
    return answer.json();
  };
}

/** Living things that are there before a run and stay others' business. */
export async function idsAlive(ask: AskControl): Promise<string[]> {
  const { resources } = (await ask('/_sim/resources')) as { resources: CloudResource[] };
  return resources.map(({ id }) => id);
}

import type { Call } from '../call.js';
import type { Server } from '../state/model.js';
import { beginRecord } from './instance-actions.js';

export const serverTexts = (server: Server) => [
  server.name,
  server.description,
  ...server.tags,
  ...Object.values(server.metadata),
];

export interface ServerWork {
  /** Name of the record and of its one event. */
  action: string;
  event: string;
  taskStates: (string | null)[];
  partWay?: { at: number; run: () => void };
  finish: () => void;
  fail: (reason: string) => void;
  failureText?: string;
}

/** Something a server does for a while: task states, the job record, and the end of both. */
export function beginServerWork(call: Call, server: Server, work: ServerWork): void {
  const { record, end } = beginRecord(call, server, work.action, work.event);
  const touched = (run: () => void) => () => {
    run();
    server.updatedMs = Date.now();
  };
  server.updatedMs = Date.now();
  server.cancelWork = call.cloud.works.begin({
    operation: call.operation,
    row: server,
    phases: work.taskStates,
    ...(work.partWay !== undefined && { partWay: work.partWay }),
    finish: touched(work.finish),
    fail: (reason) => {
      work.fail(reason);
      server.updatedMs = Date.now();
    },
    ended: end,
    failureText: work.failureText ?? 'the compute service could not do it',
    vanished: () => (record.vanished = true),
  });
  const underway = server.underway;
  if (underway !== null) record.pickedUpMs = underway.startedMs + (underway.endsMs - underway.startedMs) * 0.1;
}

/** Puts a server into ERROR with the reason a tenant can read. */
export function failServer(server: Server, message: string, code = 500): void {
  server.vmState = 'error';
  server.fault = { code, message, createdMs: Date.now() };
}

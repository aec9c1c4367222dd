import type { Fault } from './faults.js';
import type { HttpAnswer } from './http.js';

/**
 * What happens between a caller and a cloud, whatever the cloud: a request or an answer that is lost, comes late, or that a proxy
 * replaces or cuts.
 *
 * @param work carries the request out, and answers as the cloud does
 */
export function answerOnTheWay(fault: Fault, work: () => HttpAnswer): HttpAnswer | 'cut' {
  switch (fault.kind) {
    case 'drop-request':
      return 'cut';
    case 'lose-answer':
      work();
      return 'cut';
    case 'late': {
      const answer = work();
      return { ...answer, delayMs: (answer.delayMs ?? 0) + fault.delayMs };
    }
    case 'html':
      if (fault.afterEffect === true) work();
      return {
        status: fault.status ?? 200,
        headers: { 'content-type': 'text/html; charset=utf-8' },
        body: '<!DOCTYPE html><html><body>Please log in to the proxy</body></html>',
      };
    case 'malformed': {
      // Cut in the middle, as a proxy with a size limit does; the work was done unless told otherwise.
      const answer = fault.afterEffect === false ? { status: 200, body: '{"result": []}' } : work();
      return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
    }
    default:
      return work();
  }
}

/**
 * The workOrderId of a text that nobody could read, so that operators know whose message lies there. A guess: the first
 * that does not look like a running number. Never used to decide anything.
 */
export function findWorkOrderId(text: string): string | null {
  let number: string | null = null;
  let looks = 0;
  for (let at = text.indexOf('workOrderId'); at >= 0 && looks < 200; at = text.indexOf('workOrderId', at + 11)) {
    looks++;
    const between = /^(?:%22|%27|%5C|%3A|%20|[\s\\"'+])*(?::|%3A)(?:%22|%27|%5C|%3A|%20|[\s\\"'+u])*/i.exec(
      text.slice(at + 11, at + 75),
    );
    if (between === null) continue;
    const from = at + 11 + between[0].length;
    const id = /^[A-Za-z0-9._-]{1,64}/.exec(text.slice(from, from + 64))?.[0];
    if (id === undefined || /^(?:null|None)$/.test(id)) continue;
    if (!/^\d+$/.test(id)) return id;
    number ??= id;
  }
  return number;
}

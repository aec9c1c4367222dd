/** A secret as it looks raw and in the encodings that hide it from a plain search. */
export function guises(secret: string): string[] {
  const known = cache.get(secret);
  if (known) return known;
  const bytes = Buffer.from(secret);
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes]).toString('base64');
    // The first and last characters depend on what stands beside it.
    return text.slice(shift === 0 ? 0 : 4, -4);
  });
  const url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const hex = bytes.toString('hex');
  const reversed = secret.split('').toReversed().join('');
  const escaped = secret
    .split('')
    .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
  const once = JSON.stringify(secret).slice(1, -1);
  const twice = JSON.stringify(once).slice(1, -1);
  const percent = encodeURIComponent(secret);
  const all = [
    ...new Set([secret, ...base64, ...url, hex, hex.toUpperCase(), reversed, escaped, once, twice, percent]),
  ];
  cache.set(secret, all);
  return all;
}

const cache = new Map<string, string[]>();

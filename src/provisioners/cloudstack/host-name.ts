/** RFC 1123 label as CloudStack checks it. */
const longestHostName = 63;
/** `-ow-` and sixteen characters. */
const markerRoom = '-ow-0123456789abcdef'.length;
const longestHere = longestHostName - markerRoom;

/**
 * The part of a host name that comes before the marker: letters, digits and hyphens of what the customer wrote, starting
 * with a letter, cut so that name and marker fit into 63 characters. A name that has none of these (a Chinese one) becomes
 * `vm`; the customer's own text stays the display name.
 */
export function hostNameFrom(wanted: string, index: number | null): string {
  const suffix = index === null ? '' : `-${index}`;
  const letters = wanted.replace(/[^A-Za-z0-9]+/g, '-').replace(/^[-0-9]+/, '');
  const room = longestHere - suffix.length;
  const cut = letters.slice(0, room).replace(/-+$/, '');
  return `${cut === '' ? 'vm' : cut}${suffix}`;
}

/** CloudStack refuses any value with a control character in it. */
export function printable(text: string, longest: number): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, longest);
}

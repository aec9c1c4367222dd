/**
 * The text, or its beginning and `…`, at most so many UTF-16 units long. Never half a character: PostgreSQL refuses one
 * in jsonb, and the whole commit with it.
 */
export function cutText(text: string, length: number): string {
  if (text.length <= length) return text;
  const last = text.charCodeAt(length - 2);
  const endsInHalf = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, endsInHalf ? length - 2 : length - 1)}…`;
}

import { limits } from './limits.js';
import type { Notes } from './notes.js';

export type Decoded =
  | { ok: true; text: string }
  | {
      ok: false;
      /** The text a person may accept instead, when the bytes are readable in another encoding. */
      proposal: string | null;
    };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes to text, UTF-8 or nothing: `Buffer.toString()` would hide what is broken. */
export function decodeBytes(bytes: Uint8Array, notes: Notes): Decoded {
  if (bytes.length === 0) return refuse(notes, 'MSG_EMPTY', 'the message has no bytes');
  if (bytes.length > limits.messageBytes) {
    return refuse(
      notes,
      'MSG_TOO_LARGE',
      `the message has ${bytes.length} bytes; at most ${limits.messageBytes} are taken`,
    );
  }
  const hasBom = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  let text: string;
  try {
    text = utf8.decode(hasBom ? bytes.subarray(3) : bytes);
  } catch {
    return notUtf8(bytes, notes);
  }
  if (hasBom) notes.warn('MSG_BOM', '', 'the message begins with a byte-order mark, which was skipped');
  if (text.includes('\0')) return refuse(notes, 'MSG_TEXT_NUL', 'the message holds a raw NUL byte');
  if (isBlank(text)) return refuse(notes, 'MSG_EMPTY', 'the message holds nothing but white space');
  return { ok: true, text };
}

/** `trim()` without a copy of a megabyte. */
export const isBlank = (text: string): boolean => !/\S/.test(text);

function refuse(
  notes: Notes,
  code: 'MSG_EMPTY' | 'MSG_TOO_LARGE' | 'MSG_TEXT_NUL' | 'MSG_UTF8',
  message: string,
): Decoded {
  notes.problem(code, '', message);
  return { ok: false, proposal: null };
}

export function notUtf8(bytes: Uint8Array, notes: Notes): Decoded {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    return refuse(notes, 'MSG_UTF8', 'the message is UTF-16; send UTF-8');
  }
  const chinese = decodeChinese(bytes);
  if (chinese === null) return refuse(notes, 'MSG_UTF8', 'the message holds bytes that are not UTF-8');
  notes.problem('MSG_UTF8', '', 'the message is not UTF-8 but could be GBK; send UTF-8');
  return { ok: false, proposal: chinese };
}

/** GBK takes nearly every pair of high bytes, so only text of Chinese characters and their punctuation counts as found. */
function decodeChinese(bytes: Uint8Array): string | null {
  try {
    const text = new TextDecoder('gb18030', { fatal: true }).decode(bytes);
    return /^[\t\n\r -~\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]+$/.test(text) ? text : null;
  } catch {
    return null;
  }
}

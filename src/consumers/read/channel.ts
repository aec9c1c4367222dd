import type { Notes } from './notes.js';

/** How the bytes are to be taken: as HTTP labelled them, or by their look where nobody labelled them. */
export type Channel = 'json' | 'form' | 'unlabelled' | 'unsupported';

export function channelOf(contentType: string | null, notes: Notes): Channel {
  if (contentType === null) return 'unlabelled';
  const [type = '', ...parameters] = contentType
    .slice(0, 1000)
    .split(';')
    .map((part) => part.trim().toLowerCase());
  const charset =
    parameters
      .find((parameter) => parameter.startsWith('charset='))
      ?.slice(8)
      .replaceAll('"', '') ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    return refuse(notes, 'the message is labelled with a charset other than UTF-8; send UTF-8');
  }
  if (type === 'application/json' || /^application\/[a-z0-9.-]{1,60}\+json$/.test(type)) return 'json';
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return refuse(notes, 'send application/json, or application/x-www-form-urlencoded with the field msg');
}

function refuse(notes: Notes, message: string): Channel {
  notes.problem('API_CONTENT_TYPE', '', message);
  return 'unsupported';
}

import type { Problem } from '../../errors.js';
import type { Reading } from '../../schemas/work-order.js';
import { contentHashOf } from './canonical.js';
import { channelOf } from './channel.js';
import { decodeBytes, isBlank } from './decode-bytes.js';
import { readForm } from './form.js';
import { Notes } from './notes.js';
import { readOrder } from './read-order.js';
import { proposeRepair } from './repair.js';
import { unwrapText } from './unwrap.js';
import { findWorkOrderId } from './work-order-id-hint.js';

export interface Delivery {
  bytes: Uint8Array;
  /** As HTTP says ('' when it said nothing); null when the channel has none (Kafka, file). */
  contentType: string | null;
}

export interface ReadingOptions {
  producer?: string;
  /** Key of the HMAC under which secrets take part in the content hash. */
  hashKey: Uint8Array;
}

/**
 * The one door: bytes in, an order or the reasons why not out. Pure and synchronous, and throws on no content whatever;
 * what is lossless to mend is mended and written into the ledger, all else waits for a person.
 */
export function readMessage(delivery: Delivery, options: ReadingOptions): Reading {
  const notes = new Notes();
  const channel = channelOf(delivery.contentType, notes);
  if (channel === 'unsupported') return unreadable(notes, null, null);
  const decoded = decodeBytes(delivery.bytes, notes);
  if (!decoded.ok) return readFromGbk(notes, decoded.proposal, decoded.proposal);

  let { text } = decoded;
  if (/^\s*msg=/.test(text) ? channel !== 'json' : channel === 'form' && !/^\s*[{["']/.test(text)) {
    const form = readForm(text.trim(), notes);
    if (!form.ok) return readFromGbk(notes, text, form.proposal);
    text = form.msg;
    notes.repair('W1', '', 'text in the form field msg', 'its content');
    if (isBlank(text)) {
      notes.problem('MSG_ENVELOPE_MISSING', '', "the field 'msg' is empty");
      return unreadable(notes, null, null);
    }
  } else if (channel === 'form') notes.repair('content-type', '', 'JSON labelled as a form', 'JSON');

  const unwrapped = unwrapText(text, notes);
  if (!unwrapped.ok) return setAside(notes, text, unwrapped.damagedText);
  const read = readOrder(unwrapped.order, options.producer ?? 'default', options.hashKey, notes);
  if (read === null) {
    const id = unwrapped.order['workOrderId'];
    return unreadable(notes, null, null, typeof id === 'string' && id.length <= 128 ? id : null);
  }
  notes.scrub();
  return {
    verdict: 'readable',
    order: read.order,
    secrets: notes.secrets,
    repairs: notes.repairs,
    warnings: notes.warnings,
    holds: notes.holds,
    contentHash: contentHashOf(read.canonical),
    canonical: read.canonical,
  };
}

/** Bytes that could be GBK are proposed as such only when an order comes of them: a cut-off byte makes UTF-8 look like it, too. */
function readFromGbk(notes: Notes, hintText: string | null, text: string | null): Reading {
  const leadsToAnOrder = text !== null && unwrapText(text, new Notes()).ok;
  const [problem] = notes.problems;
  if (leadsToAnOrder && problem !== undefined) {
    problem.message += '. The text as read from GBK is kept with the message for a person to accept';
  }
  return unreadable(notes, text ?? hintText, leadsToAnOrder ? text : null);
}

/** Damage is set aside when it was an order once: it names one, or can be mended into one. */
function setAside(notes: Notes, text: string, damagedText: string | null): Reading {
  const proposal = damagedText === null ? null : proposeRepair(damagedText);
  const leadsToAnOrder = proposal !== null && unwrapText(proposal.text, new Notes()).ok;
  const [problem] = notes.problems;
  if (leadsToAnOrder && problem !== undefined) {
    problem.message += `. A repaired text (${proposal.rules.join(', ')}) is kept with the message for a person to accept`;
  }
  return unreadable(notes, damagedText ?? text, leadsToAnOrder ? proposal.text : null);
}

function unreadable(notes: Notes, hintText: string | null, proposal: string | null, id: string | null = null): Reading {
  const workOrderIdHint = id ?? (hintText === null ? null : findWorkOrderId(hintText));
  const isDamage = isMendable(notes.problems) && (proposal !== null || workOrderIdHint !== null);
  notes.scrub();
  return {
    verdict: 'unreadable',
    problems: notes.problems,
    kind: isDamage ? 'set-aside' : 'refused',
    workOrderIdHint,
    proposal,
    repairs: notes.repairs,
  };
}

const damage = new Set(['MSG_JSON_SYNTAX', 'MSG_UTF8']);
const isMendable = (problems: readonly Problem[]): boolean => problems.some(({ code }) => damage.has(code));

import { cutText } from '@modelhost/engine-embedded';
import type { RunCodec } from '@modelhost/engine-embedded';
import { parseJsonText, toErrorData } from '@modelhost/kernel';
import type { DataLabels, ErrorData, Session, SessionPlace, SessionTurn } from '@modelhost/kernel';
import type { KeptSession, KeptTurn } from './kept-session.ts';

type About = Pick<Session, 'title' | 'metadata' | 'labels'>;

/** What people wrote about a session, and what its labels tell. */
export function sealAbout(
  codec: RunCodec,
  { tenant, sessionId }: SessionPlace,
  { title, metadata, labels }: About,
): Uint8Array {
  const text = JSON.stringify({ title, metadata, labels });
  return codec.encode(text, { tenant, runId: sessionId, part: 'session' });
}

/** The session again. */
export function openSession(codec: RunCodec, kept: KeptSession): Session {
  const { ordinal: _ordinal, about, heldBy, ...session } = kept;
  const place = { tenant: kept.tenant, runId: kept.sessionId, part: 'session' };
  // It was sealed by `sealAbout`, and nobody else can.
  const opened = parseJsonText(codec.decode(about, place)) as unknown as About;
  return { ...session, ...opened, ...(heldBy === undefined ? {} : { heldBy }) };
}

/** What is in a session whose labels nobody knows may be anything. */
const unknownLabels: DataLabels = {
  integrity: 'untrusted',
  sources: [],
  confidentiality: 'secret',
  compartments: [],
};

/** As `openSession`; where it does not open, what its row tells, under a title that says so: it can be deleted, or branched. */
export function showSession(codec: RunCodec, kept: KeptSession): Session {
  try {
    return openSession(codec, kept);
  } catch (thrown) {
    const error = toErrorData(thrown);
    if (error.code !== 'storage_unavailable') throw thrown;
    const { ordinal: _ordinal, about: _about, heldBy, ...session } = kept;
    const holder = heldBy === undefined ? {} : { heldBy };
    const title = titleInstead(error);
    return { ...session, title, metadata: {}, labels: unknownLabels, ...holder };
  }
}

function titleInstead({ facts }: ErrorData): string {
  return facts['reason'] === 'no_key'
    ? `sealed under the key ${facts['key_id']}, which is not at hand: put that key back`
    : 'damaged: the title does not open; branch this session to go on, or delete it';
}

/** A turn belongs to its run: branches that share it have different ids. */
export function sealTurn(codec: RunCodec, tenant: string, turn: SessionTurn): KeptTurn {
  const { number, runId } = turn;
  const pieces = cutText(JSON.stringify(turn)).map((text, index) =>
    codec.encode(text, { tenant, runId, part: `turn/${index}` }),
  );
  return { number, runId, pieces };
}

/** The turn again. */
export function openTurn(codec: RunCodec, tenant: string, kept: KeptTurn): SessionTurn {
  const { number, runId, pieces } = kept;
  const texts = pieces.map((piece, index) =>
    codec.decode(piece, { tenant, runId, part: `turn/${index}` }),
  );
  // As above; the number is that of the row, which is what pages go by.
  return { ...(parseJsonText(texts.join('')) as unknown as SessionTurn), number };
}

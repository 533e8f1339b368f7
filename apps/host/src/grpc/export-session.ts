import { create, toJson } from '@bufbuild/protobuf';
import { ExportSessionResponseSchema, SessionSchema, TurnSchema } from '@modelhost/contracts';
import { HostError } from '@modelhost/kernel';
import type { Session, SessionStore } from '@modelhost/kernel';
import { encode } from './service.ts';
import { toSessionMessage, toTurnMessage } from './session-message.ts';

const chunkBytesMax = 64 * 1_024;
const pageBytesMax = 1_024 * 1_024;

/** The turns that the session has now, as pieces of one JSON document; one page of them is in memory at a time. */
export async function* exportSession(
  sessions: Pick<SessionStore, 'turns'>,
  session: Session,
): AsyncGenerator<Buffer, void> {
  for await (const text of pieces(sessions, session)) {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at += chunkBytesMax) {
      const chunk = bytes.subarray(at, at + chunkBytesMax);
      yield encode(ExportSessionResponseSchema, create(ExportSessionResponseSchema, { chunk }));
    }
  }
}

async function* pieces(
  sessions: Pick<SessionStore, 'turns'>,
  session: Session,
): AsyncGenerator<string, void> {
  const head = toJson(SessionSchema, create(SessionSchema, toSessionMessage(session)));
  yield `{"format":"modelhost.session/v1","session":${JSON.stringify(head)},"turns":[`;
  let given = 0;
  while (given < session.turns) {
    const limit = Math.min(100, session.turns - given);
    const turns = await sessions.turns(session, {
      afterNumber: given,
      limit,
      bytesMax: pageBytesMax,
    });
    // A document that ends early must not look like a whole one.
    if (turns.length === 0) throw new HostError('not_found', 'the session was deleted meanwhile');
    const texts = turns.map((turn) =>
      JSON.stringify(toJson(TurnSchema, create(TurnSchema, toTurnMessage(turn)))),
    );
    yield `${given === 0 ? '' : ','}${texts.join(',')}`;
    given += turns.length;
  }
  yield ']}\n';
}

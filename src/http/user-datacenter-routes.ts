import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Who } from '../runner/registrar.js';
import type { App } from './context.js';
import { byUserId, findDatacenter, findUser } from './find-user.js';
import { presentUserDatacenters, UserDatacentersJson, UserDetailJson } from './present-user.js';
import { answer, byOf, readingRoute, success, Text, writing } from './source-answer.js';
import { noteUnused, readPage } from './source-fields.js';
import { readSourceRequest, type SourceRequest } from './source-request.js';
import { linkUser, unlinkUser } from './user-actions.js';
import type { UserContext } from './user-context.js';

const One = success(UserDetailJson);
const Page = success(UserDatacentersJson);
const named = ['user_id', 'id', 'sysplatforms_id', 'ct_user_id', 'os_id'];
const Link = z.looseObject({
  ct_user_id: Text.describe("The caller's, for the audit"),
  os_id: Text,
  user_id: Text.describe('Number or ct_user_id of the user'),
  sysplatforms_id: Text.describe('Number or uuid of the data centre'),
});
const Filter = Link.extend({ page: Text, page_size: Text });

/** Which users belong to which data centres (E66, E67), beside the actions of the same meaning. */
export function userDatacenterRoutes(app: App, context: UserContext): void {
  const acts = {
    create: { act: linkUser, done: 'linked', summary: 'link_data_center: registers a user in a data centre' },
    delete: {
      act: unlinkUser,
      done: 'being unlinked',
      summary: "unlink_data_center: takes a user's registration in a data centre back",
    },
  } as const;
  for (const verb of ['create', 'delete'] as const) {
    const { act, done, summary } = acts[verb];
    app.post(
      `/api/user-datacenters/${verb}/`,
      writing(`${verb}UserDatacenter`, summary, Link, One),
      async (request) => {
        const asked = readSourceRequest(request);
        noteUnused(asked, named);
        // Shown after a deletion too: what is taken back at a cloud is not gone at once.
        return answer(done, asked, await act({ context, request, asked, by: byOf(request, asked) }));
      },
    );
  }

  const read = async (request: FastifyRequest, isFiltered: boolean) => {
    const asked = readSourceRequest(request);
    const { page, pageSize } = readPage(asked);
    const who = isFiltered ? await whoOf(context, asked) : { userIds: null, platformIds: null };
    const all = await presentUserDatacenters(context, await context.registrar.list(who));
    const rows = all.slice((page - 1) * pageSize, page * pageSize);
    return answer('ok', asked, { count: all.length, page, page_size: pageSize, user_datacenters: rows });
  };
  for (const [verb, summary] of [
    ['list', 'Every registration of a user in a data centre, by page'],
    ['query', 'Registrations of a user, in a data centre, or of one in the other'],
  ] as const) {
    readingRoute(
      app,
      `/api/user-datacenters/${verb}/`,
      { name: `${verb}UserDatacenters`, summary, filter: Filter, results: Page },
      (request) => read(request, verb === 'query'),
    );
  }
}

/** @throws ApiError when a user or a data centre is named that there is not */
async function whoOf(context: UserContext, asked: SourceRequest): Promise<Who> {
  const { fields } = asked;
  const namesUser = fields['user_id'] !== undefined || fields['id'] !== undefined;
  const tenant = namesUser ? await findUser(context, asked, byUserId) : null;
  const datacenter = await findDatacenter(context, asked);
  return { userIds: tenant && [tenant.userId], platformIds: datacenter && [datacenter.platformId] };
}

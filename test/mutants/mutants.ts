/**
 * Bugs to plant, each of which a named test must catch. `find` stands exactly once in its file; where the source moves on,
 * the mutant is stale and has to be written anew. `invariant` is the promise that the bug breaks (docs/reliability.md).
 */
export interface Mutant {
  name: string;
  invariant: string;
  /** The source it is planted in, and the text that is replaced. */
  file: string;
  find: string;
  replace: string;
  /** The test that must fail, by its file and its own name. */
  test: { file: string; name: string };
}

export const mutants: Mutant[] = [
  {
    name: 'the request leaves before its intent is stored',
    invariant: 'I4',
    file: 'src/runner/engine.ts',
    find: 'const ends = finalStatuses.includes(step.state.status);',
    replace:
      'open.state = step.state; this.carryOut(open, step); const ends = finalStatuses.includes(step.state.status);',
    test: { file: 'test/runner/engine.test.ts', name: 'asks nothing of the outside before the intent is stored' },
  },
  {
    name: 'the offset is committed before the records are stored',
    invariant: 'I1',
    file: 'src/consumers/work-order.consumer.ts',
    find: 'const stored = await this.storeChunk(batch.topic, batch.partition, chunk);',
    replace:
      'await this.commit(batch.topic, batch.partition, batch.lastOffset()); const stored = await this.storeChunk(batch.topic, batch.partition, chunk);',
    test: {
      file: 'test/consumers/work-order.consumer.test.ts',
      name: 'commits an offset only when the records are stored, and then the one after them',
    },
  },
  {
    name: 'the offset is committed of the last record instead of the next',
    invariant: 'I1',
    file: 'src/consumers/work-order.consumer.ts',
    find: 'offset: String(BigInt(offset) + 1n)',
    replace: 'offset',
    test: {
      file: 'test/consumers/work-order.consumer.test.ts',
      name: 'commits an offset only when the records are stored, and then the one after them',
    },
  },
  {
    name: 'a write does not ask who owns the order',
    invariant: 'I6',
    file: 'src/store/steps.ts',
    find: 'and o.worker_id = $1',
    replace: 'and $1::text is not null',
    test: {
      file: 'test/store/steps.test.ts',
      name: 'leaves nothing behind of a step of a worker that does not own the order',
    },
  },
  {
    name: 'a write ignores the epoch',
    invariant: 'I6',
    file: 'src/store/steps.ts',
    find: ' and o.epoch = given.seen_epoch\n',
    replace: '\n',
    test: { file: 'test/store/steps.test.ts', name: 'leaves nothing behind of a step of an epoch that is over' },
  },
  {
    name: 'a write ignores the revision',
    invariant: 'I6',
    file: 'src/store/steps.ts',
    find: 'o.revision = given.seen_revision and ',
    replace: '',
    test: { file: 'test/store/steps.test.ts', name: 'leaves nothing behind of a step of an older revision' },
  },
  {
    name: 'a take-over does not raise the epoch',
    invariant: 'I6',
    file: 'src/store/ownership.ts',
    find: 'epoch = o.epoch + 1, ',
    replace: '',
    test: { file: 'test/store/ownership.test.ts', name: 'the former owner can write no more, the new one can' },
  },
  {
    name: 'several workers take the same order over',
    invariant: 'I6',
    file: 'src/store/ownership.ts',
    find: 'and (worker_id is null or not exists (select from worker w where w.worker_id = o.worker_id))',
    replace: '',
    test: { file: 'test/store/ownership.test.ts', name: 'nobody takes what a living worker owns' },
  },
  {
    name: 'a request is sent for an order that belongs to another worker',
    invariant: 'I6',
    file: 'src/runner/run-effects.ts',
    find: 'if (!this.options.isOurs(open) || !isCurrent(open.state, operation)) return',
    replace: 'if (!isCurrent(open.state, operation)) return',
    test: {
      file: 'test/runner/run-effects.test.ts',
      name: 'does not leave for an order that belongs to another worker by now',
    },
  },
  {
    name: 'a worker acts without asking whether it still may',
    invariant: 'I6',
    file: 'src/runner/run-effects.ts',
    find: "const changes = effect === 'send' || effect === 'discard';",
    replace: 'const changes = false;',
    test: {
      file: 'test/runner/run-effects.test.ts',
      name: 'is asked for again before it leaves whether it may, and a look is not',
    },
  },
  {
    name: 'a step whose commit was not answered is taken for lost',
    invariant: 'I6',
    file: 'src/runner/commit.ts',
    find: 'if (ours && row.revision === seenRevision + 1) done.add(step.state.orderId);',
    replace: '',
    test: {
      file: 'test/runner/engine.test.ts',
      name: 'asks what became of a commit whose answer was lost, even if it has to ask 1 times more',
    },
  },
  {
    name: 'a lost answer is sent again without a look',
    invariant: 'I5',
    file: 'src/machines/operation.machine.ts',
    find: "OUTCOME_UNKNOWN: 'lookingUp',",
    replace: "OUTCOME_UNKNOWN: { target: 'requesting', reenter: true },",
    test: {
      file: 'test/machines/advance.property.test.ts',
      name: 'comes through whole when the cloud only loses answers',
    },
  },
  {
    name: 'after a restart the request is sent again',
    invariant: 'I5',
    file: 'src/machines/operation.machine.ts',
    find: "RESUMED: 'lookingUp',",
    replace: "RESUMED: { target: 'requesting', reenter: true },",
    test: {
      file: 'test/machines/operation.machine.test.ts',
      name: 'never sends out of a restart, whatever it was doing and whatever it remembers',
    },
  },
  {
    name: 'one look that finds nothing is enough',
    invariant: 'I5',
    file: 'src/machines/operation.machine.ts',
    find: 'lookUpsBeforeResend: 3,',
    replace: 'lookUpsBeforeResend: 1,',
    test: {
      file: 'test/machines/advance.test.ts',
      name: 'asks again with the same marker and a new request id after three look-ups that found nothing',
    },
  },
  {
    name: 'the looks are not spread over the settle window',
    invariant: 'I5',
    file: 'src/machines/pace.ts',
    find: "if (kind === 'settle') return Math.max(pace.settleMs, asked);",
    replace: "if (kind === 'settle') return asked;",
    test: {
      file: 'test/machines/pace.test.ts',
      name: 'is the settle window between look-ups and the watch between looks',
    },
  },
  {
    name: 'a failed job is believed',
    invariant: 'I5',
    file: 'src/machines/operation.machine.ts',
    find: "{ guard: 'resourceKnown', target: 'verifying', actions: ['noteJobFailure', 'noteJobSettled'] },",
    replace: "{ target: 'failed', actions: ['noteJobFailure', 'noteJobSettled'] },",
    test: { file: 'test/machines/operation.machine.test.ts', name: 'a failed job may lie: the resource is looked at' },
  },
  {
    name: 'a finished job is believed',
    invariant: 'I5',
    file: 'src/machines/operation.machine.ts',
    find: "{ guard: 'resourceKnown', target: 'verifying', actions: ['noteResource', 'noteJobSettled'] },",
    replace: "{ guard: 'resourceKnown', target: 'done', actions: ['noteResource', 'noteJobSettled'] },",
    test: { file: 'test/machines/operation.machine.test.ts', name: 'a job that names nothing, resource known' },
  },
  {
    name: 'an unreadable answer to a create is taken for a refusal',
    invariant: 'I5',
    file: 'src/provisioners/cloudstack/client.ts',
    find: "if (kind === 'change') throw new OutcomeUnknownError('CLD_RESPONSE_UNKNOWN', message);",
    replace: '',
    test: {
      file: 'test/provisioners/cloudstack/client.test.ts',
      name: 'to a change leaves its outcome unknown',
    },
  },
  {
    name: 'a VM carries no marker',
    invariant: 'I3',
    file: 'src/provisioners/cloudstack/vm.ts',
    find: '`${settings.hostName}-${marker}`',
    replace: '`${settings.hostName}-${marker.slice(0, 2)}`',
    test: {
      file: 'test/provisioners/cloudstack/host-name.test.ts',
      name: 'is one that CloudStack takes, whatever the customer wrote, and ends in the marker',
    },
  },
  {
    name: 'every attempt has a marker of its own',
    invariant: 'I3',
    file: 'src/runner/run-effects.ts',
    find: 'marker: operation.marker,\n      requestId',
    replace: 'marker: `${operation.marker}${context.attempt}`,\n      requestId',
    test: {
      file: 'test/runner/run-effects.test.ts',
      name: 'names its marker, attempt, request id and inputs as they are stored',
    },
  },
  {
    name: 'another try has the request id of the one before',
    invariant: 'I3',
    file: 'src/planner/marker.ts',
    find: 'JSON.stringify([marker, attempt, stage])',
    replace: 'JSON.stringify([marker, stage])',
    test: {
      file: 'test/planner/marker.test.ts',
      name: 'is the same for the same attempt and stage, and another one for the next',
    },
  },
  {
    name: 'a second disk under one marker is not reported',
    invariant: 'I3',
    file: 'src/provisioners/cloudstack/ebs.ts',
    find: "return { state: 'found', resourceId: volume.id, others: others.map(({ id }) => id) };",
    replace: "return { state: 'found', resourceId: volume.id, others: [] };",
    test: {
      file: 'test/provisioners/cloudstack/ebs.test.ts',
      name: 'made twice by a late request is found twice, oldest first',
    },
  },
  {
    name: 'what is one too many is not listed as an orphan',
    invariant: 'I3',
    file: 'src/machines/advance.ts',
    find: "if (others.length > 0) this.orphans.push({ operation, resourceIds: others, why: 'twin' });",
    replace: 'void others;',
    test: { file: 'test/machines/advance.test.ts', name: 'names what carries its marker and is one too many' },
  },
  {
    name: 'a VM is undone by its id, whosever marker it carries',
    invariant: 'I8',
    file: 'src/provisioners/cloudstack/vm.ts',
    find: "if (!ownMarkers(request).some((marker) => vm.name.endsWith(`-${marker}`))) throw notOurs('the VM', vmId);",
    replace: '',
    test: { file: 'test/provisioners/cloudstack/vm.test.ts', name: 'that carries another marker is not deleted' },
  },
  {
    name: 'a broken disk is discarded by its id, whosever marker it carries',
    invariant: 'I8',
    file: 'src/provisioners/cloudstack/ebs.ts',
    find: "if (!carries(volume, request.marker)) throw notOurs('the volume', volume.id);",
    replace: '',
    test: {
      file: 'test/provisioners/cloudstack/conformance.test.ts',
      name: '(ebs.create) removes a thing by its id, and only with its marker',
    },
  },
  {
    name: 'the undo passes over what was delivered',
    invariant: 'I8',
    file: 'src/machines/follow-up.ts',
    find: "return outcome === 'open' || outcome === 'completed' || (outcome === 'failed' && hasFacts(part));",
    replace: "return outcome === 'open' || (outcome === 'failed' && hasFacts(part));",
    test: {
      file: 'test/machines/levers.test.ts',
      name: 'undoes everything when nobody came, what stands on another thing before that thing',
    },
  },
  {
    name: 'the undo takes the VM away under its disks',
    invariant: 'I8',
    file: 'src/machines/follow-up.ts',
    find: "return standsOnIt ? null : { type: 'UNDO' };",
    replace: "return standsOnIt ? { type: 'UNDO' } : { type: 'UNDO' };",
    test: {
      file: 'test/machines/levers.test.ts',
      name: 'undoes everything when nobody came, what stands on another thing before that thing',
    },
  },
  {
    name: 'a cancelled order leaves alone what is under way',
    invariant: 'I8',
    file: 'src/machines/advance.ts',
    find: 'this.abandonWhatIsOpen();',
    replace: 'void from;',
    test: { file: 'test/machines/levers.test.ts', name: 'gives up at once what only waits to be tried again' },
  },
  {
    name: 'what the cloud would not remove is forgotten',
    invariant: 'I8',
    file: 'src/machines/advance.ts',
    find: "if (made && resourceId) this.orphans.push({ operation: made, resourceIds: [resourceId], why: 'undo' });",
    replace: 'void resourceId;',
    test: {
      file: 'test/machines/levers.test.ts',
      name: 'is a state of its own: neither failed nor cancelled, what remains is listed and told',
    },
  },
  {
    name: 'events of a step that lost its race are stored',
    invariant: 'I11',
    file: 'src/store/steps.ts',
    find: 'insert into event (order_id, sequence, type, item_index, at, data)\n        select given.* from ${rows} where ${isSaved})`',
    replace:
      'insert into event (order_id, sequence, type, item_index, at, data)\n        select given.* from ${rows} where true)`',
    test: {
      file: 'test/store/steps.test.ts',
      name: 'leaves nothing behind of a step of an older revision',
    },
  },
  {
    name: 'events are read while older ones can still come',
    invariant: 'I11',
    file: 'src/store/events.ts',
    find: ' and tx < pg_snapshot_xmin(pg_current_snapshot())\n',
    replace: '\n',
    test: {
      file: 'test/store/views.test.ts',
      name: 'never gives out what an older transaction could still come before',
    },
  },
  {
    name: 'two workers publish at once',
    invariant: 'I10',
    file: 'src/store/cursors.ts',
    find: 'where c.owner = excluded.owner or c.owned_until < now()',
    replace: 'where true or c.owned_until < now()',
    test: { file: 'test/store/cursors.test.ts', name: 'belongs to one worker at a time' },
  },
  {
    name: 'events are marked as published before they are sent',
    invariant: 'I11',
    file: 'src/publishers/publish-events.ts',
    find: 'await this.producer?.send({ topic: stream.topic, acks: -1, messages });',
    replace:
      'await moveCursor(sql, stream.consumer, workerId, cursor); await this.producer?.send({ topic: stream.topic, acks: -1, messages });',
    test: {
      file: 'test/publishers/publish-events.test.ts',
      name: 'wait, and come in their order once it is back',
    },
  },
  {
    name: 'an event is published under a new id each time',
    invariant: 'I9',
    file: 'src/publishers/cloud-event.ts',
    find: 'id: uuidV5(eventNamespace, JSON.stringify(identity)),',
    replace: 'id: crypto.randomUUID(),',
    test: {
      file: 'test/publishers/cloud-event.test.ts',
      name: 'has the same id each time it is sent, whatever else of it changed',
    },
  },
  {
    name: 'the sequence of events does not count',
    invariant: 'I10',
    file: 'src/machines/advance.ts',
    find: 'this.state.sequence += 1;',
    replace: '',
    test: {
      file: 'test/machines/advance.test.ts',
      name: 'is told event by event, numbered without gaps, and completed once',
    },
  },
  {
    name: 'the verdict of an item is said at every turn of its order',
    invariant: 'I9',
    file: 'src/machines/advance.ts',
    find: 'if (finalStatuses.includes(this.state.status)) this.announceItems();',
    replace: 'this.announceItems();',
    test: {
      file: 'test/machines/advance.test.ts',
      name: 'is told event by event, numbered without gaps, and completed once',
    },
  },
  {
    name: 'a callback comes again under a new id',
    invariant: 'I9',
    file: 'src/publishers/deliver-callbacks.ts',
    find: 'eventId: uuidV5(callbackNamespace, orderId),',
    replace: 'eventId: uuidV5(callbackNamespace, `${orderId}/${attempts}`),',
    test: {
      file: 'test/publishers/deliver-callbacks.test.ts',
      name: 'is posted again by schedule while the receiver is unwell, under the same id',
    },
  },
  {
    name: 'an order that comes again is another order',
    invariant: 'I2',
    file: 'src/consumers/intake.ts',
    find: 'orderIdFor(reading.order.producer, reading.order.workOrderId) : null',
    replace: '(void orderIdFor, randomUUID()) : null',
    test: { file: 'test/consumers/intake.test.ts', name: 'when it comes again, however it is written' },
  },
  {
    name: 'other content under a known id is taken for the same',
    invariant: 'I2',
    file: 'src/consumers/intake.ts',
    find: 'if (reading.contentHash === contentHash) return true;',
    replace: 'return true;',
    test: { file: 'test/consumers/intake.test.ts', name: 'and names the fields that differ' },
  },
  {
    name: 'a second order writes over the first',
    invariant: 'I2',
    file: 'src/store/accept.ts',
    find: 'select * from ${stateRows} on conflict do nothing',
    replace: 'select * from ${stateRows} on conflict (order_id) do update set machine = excluded.machine',
    test: { file: 'test/store/accept.test.ts', name: 'leaves an order that is there exactly as it is' },
  },
  {
    name: 'a record that Kafka delivers again is kept again',
    invariant: 'I2',
    file: 'src/consumers/intake.ts',
    find: 'origin: delivery.origin,',
    replace: 'origin: `${delivery.origin} ${messageId}`,',
    test: { file: 'test/consumers/intake.test.ts', name: 'once, when Kafka delivers the same record again' },
  },
  {
    name: 'a password is stored as it came',
    invariant: 'I15',
    file: 'src/consumers/intake.ts',
    find: 'sealed: this.options.sealer.seal(value, secretContext(orderId, itemIndex, field)),',
    replace: 'sealed: Buffer.from(value),',
    test: {
      file: 'test/consumers/intake.test.ts',
      name: 'lets no password into any column, event or receipt in clear',
    },
  },
  {
    name: 'the words of the cloud are passed on with the secrets in them',
    invariant: 'I15',
    file: 'src/provisioners/cloudstack/client.ts',
    find: "const text = readableText(said.errortext ?? '', secrets);",
    replace: "const text = said.errortext ?? '';",
    test: {
      file: 'test/provisioners/cloudstack/client.test.ts',
      name: 'never repeats a secret of the request',
    },
  },
  {
    name: 'a sealed password opens in the place of another order',
    invariant: 'I15',
    file: 'src/consumers/intake.ts',
    find: 'return `${orderId}/${itemIndex}/${field}`;',
    replace: 'void orderId; return `${itemIndex}/${field}`;',
    test: { file: 'test/consumers/intake.test.ts', name: 'whose sealed password opens in no other place' },
  },
  {
    name: 'the signature of a callback leaves its time out',
    invariant: 'security 3',
    file: 'src/publishers/standard-webhooks.ts',
    find: '.update(`${id}.${timestamp}.${body}`',
    replace: '.update(`${id}.${body}`',
    test: {
      file: 'test/publishers/standard-webhooks.test.ts',
      name: "is the one in the specification's own libraries",
    },
  },
  {
    name: 'only the first address of a name is checked',
    invariant: 'security 1',
    file: 'src/publishers/url-guard.ts',
    find: 'const outside = addresses.find(',
    replace: 'const outside = addresses.slice(0, 1).find(',
    test: {
      file: 'test/publishers/guarded-request.test.ts',
      name: 'does not connect when one of several addresses is not allowed',
    },
  },
  {
    name: 'the name is resolved again when it is connected to',
    invariant: 'security 1',
    file: 'src/publishers/url-guard.ts',
    find: 'lookup: (_hostname, options, callback) =>\n        options.all ? callback(null, pinned) : callback(null, first.address, first.family),',
    replace: 'timeout: 10_000,',
    test: {
      file: 'test/publishers/guarded-request.test.ts',
      name: 'goes to the address that was checked, even when the name leads elsewhere a moment later',
    },
  },
  {
    name: 'a session that ended is not opened again',
    invariant: 'C11',
    file: 'src/provisioners/cloudstack/client.ts',
    find: 'return attempt(command, params, kind, await session.current());',
    replace: 'throw error;',
    test: {
      file: 'test/provisioners/cloudstack/client.test.ts',
      name: 'that died is opened again once, and the call made once more',
    },
  },
  {
    name: 'a retry does not wait',
    invariant: 'C18',
    file: 'src/machines/pace.ts',
    find: 'return Math.max(jittered, asked);',
    replace: 'return Math.min(jittered, asked);',
    test: {
      file: 'test/machines/pace.test.ts',
      name: 'grows with every retry up to a limit, and is always a whole number of milliseconds within it',
    },
  },
  {
    name: 'all that failed together come back together',
    invariant: 'C18',
    file: 'src/machines/pace.ts',
    find: '(0.1 + 0.9 * fraction(`${marker}/${count}`))',
    replace: '1',
    test: {
      file: 'test/machines/pace.test.ts',
      name: 'spreads orders that failed together, so that they do not come back together',
    },
  },
];

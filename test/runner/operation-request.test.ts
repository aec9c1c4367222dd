import { describe, expect, it } from '@jest/globals';
import { requestIdFor } from '../../src/planner/marker.js';
import { laterRequest, operationRequest } from '../../src/runner/operation-request.js';
import { bundlePlan, sataDisk, Story, vm } from '../machines/story.js';
import { operationOf } from './support.js';

const noSecret = () => Promise.resolve(undefined);

describe('what an adapter is told of an operation', () => {
  it('has what finished parts, preparations of its own platform and the part itself have found', () => {
    const story = new Story().planned(bundlePlan()).prepared();
    story.done(vm, 'vm.create', { vmId: 'i-1' }).done(sataDisk, 'ebs.create', { volumeId: 'v-1' });
    const inputs = (key: string, name: 'vm.create' | 'ebs.create') => {
      const operation = story.state.operations.find((one) => one.partKey === key && one.name === name);
      if (!operation) throw new Error(`no ${name}`);
      return operationRequest(story.state, operation, noSecret).inputs;
    };
    expect(inputs(vm, 'vm.create')).toEqual({ networkId: 'n-1', vmId: 'i-1' });
    expect(inputs(sataDisk, 'ebs.create')).toEqual({ vmId: 'i-1', volumeId: 'v-1' });
  });

  it('asked once more, takes every request that may have left for an earlier one, and remembers no stage', () => {
    const { state } = new Story().planned(bundlePlan()).prepared();
    const operation = operationOf(state, 'vm.create');
    const asked = laterRequest(state, operation);
    const ids = [2, 1].map((attempt) => requestIdFor(state.orderId, operation, attempt, null));
    expect(asked).toMatchObject({ attempt: 2, requestId: ids[0], earlierRequestIds: [ids[1]], stage: null, memo: {} });
    expect(ids[1]).toBe(operation.requestId);
  });
});

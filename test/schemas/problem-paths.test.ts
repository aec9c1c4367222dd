import { expect, it } from '@jest/globals';
import { httpStatusOf, jsonPointer, leadingCode, pathText, within } from '../../src/schemas/problem-paths.js';

it('paths read like the sender would write them', () => {
  expect(pathText(['workOrderItems', 1, 'workOrderItemConfig', 'volumeSize'])).toBe(
    'workOrderItems[1].workOrderItemConfig.volumeSize',
  );
  expect(pathText([])).toBe('');
});

it('paths are put together without stray dots', () => {
  expect([within('', 'a'), within('a', ''), within('a', 'b'), within('a', '[0].b')]).toEqual([
    'a',
    'a',
    'a.b',
    'a[0].b',
  ]);
});

it('paths become JSON pointers', () => {
  expect(jsonPointer('workOrderItems[1].workOrderItemConfig.volumeSize')).toBe(
    '/workOrderItems/1/workOrderItemConfig/volumeSize',
  );
  expect([jsonPointer(''), jsonPointer('a/b~c')]).toEqual(['', '/a~1b~0c']);
});

it("the first problem's code speaks for the message and gives its status", () => {
  const problem = (code: string): { path: string; code: string; message: string } => ({ path: '', code, message: '' });
  expect(leadingCode([problem('CFG_NUMBER'), problem('MSG_EMPTY')])).toBe('CFG_NUMBER');
  expect([httpStatusOf([problem('CFG_NUMBER')]), httpStatusOf([problem('MSG_TOO_LARGE')]), httpStatusOf([])]).toEqual([
    422, 413, 400,
  ]);
});

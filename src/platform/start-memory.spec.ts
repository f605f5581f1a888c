import { performance } from 'node:perf_hooks';
import { eventually } from '../../test/support/eventually.js';
import { giveBackStartMemory } from './start-memory.js';

const busy = { idle: 0, active: 1, utilization: 0.9 };
const idle = { idle: 1, active: 0, utilization: 0.05 };

describe('memory that only the start needed', () => {
  afterEach(() => void jest.restoreAllMocks());

  it('is given back once, in the first moment in which the process is idle', async () => {
    const collect = jest.fn();
    const looked = jest.spyOn(performance, 'eventLoopUtilization').mockReturnValue(busy);
    giveBackStartMemory(1, collect);
    await eventually(() => looked.mock.calls.length > 10);
    expect(collect).not.toHaveBeenCalled();
    looked.mockReturnValue(idle);
    await eventually(() => collect.mock.calls.length > 0);
    const looks = looked.mock.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect([collect.mock.calls.length, looked.mock.calls.length]).toEqual([1, looks]);
  });

  it('goes to the collector of the engine', async () => {
    jest.spyOn(performance, 'eventLoopUtilization').mockReturnValue(idle);
    const made = (): WeakRef<object> => new WeakRef({ at: 'the start' });
    const gone = made();
    giveBackStartMemory(1);
    await eventually(() => gone.deref() === undefined, 1_000);
  });
});

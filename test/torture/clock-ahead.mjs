/** Loaded into one of the plane's processes: its clock is an hour ahead of everyone else's, as happens to machines. */
const AHEAD_MS = 3_600_000;
const RealDate = Date;
const now = () => RealDate.now() + AHEAD_MS;

const ShiftedDate = new Proxy(RealDate, {
  construct: (target, values, newTarget) => Reflect.construct(target, values.length > 0 ? values : [now()], newTarget === ShiftedDate ? target : newTarget),
  apply: () => new RealDate(now()).toString(),
  get: (target, name) => (name === 'now' ? now : Reflect.get(target, name)),
});
globalThis.Date = ShiftedDate;

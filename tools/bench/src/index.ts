export { type Counted, counted, type Counters } from './counters.ts';
export type { Sample } from './engines/session.ts';
export {
  efficiency,
  geometricMean,
  renderExits,
  renderTable,
  type Result,
  type Row,
  summarise,
} from './report.ts';

export { type ReportRow, type Result, renderTable, summarise } from './report.ts';
export { type Command, type Timing, timeToMarker } from './timed-run.ts';

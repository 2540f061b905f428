export * from './cpu.ts';
export * from './interfaces.ts';
export { apicPresent, cpuModels, type CpuModel } from './model.ts';
export type { DebugStop, DebugUnit, HostBreakpoint } from './debug-unit.ts';
export { Cr0, Word } from './state-view.ts';
export * from './initial-state.ts';
export { type TranslationEvent, translationLine } from './translation-event.ts';
export { type SavedCpu, savedWords } from './saved-cpu.ts';
export type { CodeRange, RegionSummary } from './region-log.ts';

export { codePage437 } from './code-page-437.ts';
export { VgaText, type VgaTextOptions } from './device.ts';
export type { TextCursor, TextGeometry } from './screen.ts';
export { vgaPort } from './registers.ts';
export type { VgaWindow } from './window.ts';

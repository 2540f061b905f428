export { codePage437 } from './code-page-437.ts';
export { Vga, type VgaOptions } from './device.ts';
export { edidBlock } from './edid.ts';
export { VgaFunction, type VgaFunctionOptions, type VgaPlaces } from './pci-function.ts';
export { vgaPort } from './registers.ts';
export type { VgaImage } from './renderer.ts';
export type { TextCursor, TextGeometry, TextScreen } from './screen.ts';
export { vbeIdentity, vbeRegister } from './vbe.ts';
export { textStoreBytes, type VgaWindow } from './window.ts';

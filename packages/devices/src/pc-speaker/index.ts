export { PcSpeaker } from './device.ts';
export type { PcSpeakerOptions, SpeakerDrive, SpeakerSound } from './device.ts';
export { highestToneHertz } from './registers.ts';

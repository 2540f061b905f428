/**
 * Replies of a CD drive to packet commands (SFF-8020i and MMC-3, T10 1363D): pure functions from a
 * medium's size and a packet to bytes.
 */

/** The bytes of a CD's sector. */
export const cdSectorBytes = 2048;

const framesPerSecond = 75;
const secondsPerMinute = 60;
const leadIn = 150;
const leadOutTrack = 0xaa;
/** More sectors than a CD has make a DVD. */
const mostCdSectors = 450_000;

const profile = { none: 0, cd: 0x0008, dvd: 0x0010 } as const;

/** Returns what INQUIRY says (SPC-2, 7.3.2). */
export function inquiry(model: string): number[] {
  const names = `${'RINGFNCE'}${model.padEnd(16).slice(0, 16)}1.0 `;
  // CD-ROM, removable, ATAPI version 2.
  return [0x05, 0x80, 0x00, 0x21, 31, 0, 0, 0, ...Array.from(names, (c) => c.charCodeAt(0) & 0x7f)];
}

/** Returns what REQUEST SENSE says (SPC-2, 7.23.2). */
export function sense(key: number, code: number): number[] {
  return [0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, code >> 8, code & 0xff, 0, 0, 0, 0];
}

/** Returns what READ CAPACITY says. */
export function capacity(sectors: number): number[] {
  return [...word32(Math.max(0, sectors - 1)), ...word32(cdSectorBytes)];
}

/** Returns the table of contents in a format, or nothing for a format or track that is none. */
export function tableOfContents(
  sectors: number,
  format: number,
  msf: boolean,
  start: number,
): number[] | undefined {
  const first = place(0, msf);
  if (format === 1) return [0, 10, 1, 1, 0, 0x14, 1, 0, ...first]; // Sessions.
  if (format !== 0 || (start > 1 && start !== leadOutTrack)) return undefined;
  const track = start <= 1 ? [0, 0x14, 1, 0, ...first] : [];
  const leadOut = [0, 0x14, leadOutTrack, 0, ...place(sectors, msf)];
  return [0, 2 + track.length + leadOut.length, 1, 1, ...track, ...leadOut];
}

/** Returns what GET CONFIGURATION says from a feature on (MMC-3, 5.3). */
export function configuration(sectors: number | undefined, start: number, only: boolean): number[] {
  const current = profileOf(sectors);
  const list = [profile.dvd, profile.cd].flatMap((one) => {
    return [one >> 8, one & 0xff, one === current ? 1 : 0, 0];
  });
  const features: readonly (readonly [number, readonly number[]])[] = [
    [0x0000, [0x03, list.length, ...list]],
    [0x0001, [0x03, 4, 0, 0, 0, 2]], // Core, over ATAPI.
    [0x0003, [0x03, 4, 0x29, 0, 0, 0]], // Removable: a tray that can be locked and opened.
    [0x001e, [sectors === undefined ? 0 : 1, 4, 0, 0, 0, 0]], // CD read.
  ];
  const chosen = features.filter(([code]) => (only ? code === start : code >= start));
  const body = chosen.flatMap(([code, rest]) => [code >> 8, code & 0xff, ...rest]);
  return [...word32(4 + body.length), 0, 0, current >> 8, current & 0xff, ...body];
}

/** Returns what GET EVENT STATUS NOTIFICATION says of the medium (MMC-3, 5.4). */
export function mediaEvent(isOpen: boolean, isPresent: boolean, isNew: boolean): number[] {
  return [0, 4, 0x04, 0x10, isNew ? 0x02 : 0, (isOpen ? 1 : 0) | (isPresent ? 2 : 0), 0, 0];
}

/** Returns mode pages without a header, or nothing for a page that is none (MMC-3, 6.3). */
export function modePages(page: number, locked: boolean): number[] | undefined {
  const pages: Readonly<Record<number, readonly number[]>> = {
    0x01: [0x01, 6, 0, 5, 0, 0, 0, 0],
    0x0e: [0x0e, 14, 4, 0, 0, 0, 0, 75, 1, 255, 2, 255, 0, 0, 0, 0],
    0x2a: [
      ...[0x2a, 18, 0x08, 0x00, 0x00, 0x70, locked ? 0x2b : 0x29, 0x00],
      ...[0x02, 0xc2, 0x00, 0x02, 0x02, 0x00, 0x02, 0xc2, 0, 0, 0, 0],
    ],
  };
  if (page === 0x3f) return Object.values(pages).flat();
  const found = pages[page];
  return found === undefined ? undefined : [...found];
}

/** Returns mode pages behind the header of MODE SENSE(6) or (10). */
export function modeReply(pages: readonly number[], isLong: boolean): number[] {
  const length = pages.length + (isLong ? 6 : 3);
  return isLong
    ? [length >> 8, length & 0xff, 0, 0, 0, 0, 0, 0, ...pages]
    : [length & 0xff, 0, 0, 0, ...pages];
}

/** Returns what READ DISC INFORMATION says: one finished session with one track (MMC-3, 5.17). */
export function discInformation(): number[] {
  const reply = Array.from({ length: 34 }, () => 0);
  reply.splice(0, 8, 0, 32, 0x0e, 1, 1, 1, 1, 0x20);
  return reply;
}

function profileOf(sectors: number | undefined): number {
  if (sectors === undefined) return profile.none;
  return sectors > mostCdSectors ? profile.dvd : profile.cd;
}

function place(sector: number, msf: boolean): number[] {
  if (!msf) return word32(sector);
  const at = sector + leadIn;
  const minutes = Math.floor(at / (framesPerSecond * secondsPerMinute));
  const seconds = Math.floor(at / framesPerSecond) % secondsPerMinute;
  return [0, minutes & 0xff, seconds, at % framesPerSecond];
}

function word32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

/** The help of `ringfence disk` and of its commands. */
import type { CommandHelp } from './help.ts';

const format = '  -f, --format raw|qcow2';

/** The help of each command. */
export const commandHelp: Readonly<Record<string, CommandHelp>> = {
  create: {
    usage: ['disk create [OPTIONS] FILE [SIZE]'],
    about: `Makes an empty disk. Over a base image, which is never written, it is an overlay that
takes the changes, and SIZE may be left out. Sizes have a suffix K, M, G or T.`,
    sections: [
      [
        'Options',
        `${format}          what is made (default qcow2)
  -b, --backing BASE              the image below; a relative name counts from FILE's folder
  -F, --backing-format raw|qcow2  what BASE is; found out otherwise
  --cluster-size SIZE             size of qcow2's clusters (default 64K)
`,
      ],
    ],
    examples: [
      'disk create disk.qcow2 4G',
      'disk create -f raw disk.raw 512M',
      'disk create -b debian.raw -F raw changes.qcow2',
    ],
  },
  info: {
    usage: ['disk info FILE'],
    about: 'Prints format, sizes and what the image stands on. FILE may be a URL.',
    examples: ['disk info disk.qcow2', 'disk info https://example.org/disk.qcow2'],
  },
  convert: {
    usage: ['disk convert [OPTIONS] SOURCE TARGET'],
    about: 'Copies a disk to a new image that stands on nothing. SOURCE may be a URL.',
    sections: [
      [
        'Options',
        `${format}          what SOURCE is; found out otherwise
  -O, --output-format raw|qcow2   what TARGET becomes (default qcow2)
`,
      ],
    ],
    examples: ['disk convert -O raw disk.qcow2 disk.raw', 'disk convert changes.qcow2 whole.qcow2'],
  },
  check: {
    usage: ['disk check [--repair] FILE'],
    about: 'Looks for leaks and errors of a qcow2 image.',
    sections: [
      ['Options', '  --repair                        mends what can be mended without loss\n'],
    ],
    examples: ['disk check disk.qcow2', 'disk check --repair disk.qcow2'],
    status: '0 none are left, 2 errors, 3 leaks',
  },
};

/** The help of `ringfence disk`. */
export const diskHelp: CommandHelp = {
  usage: ['disk create|info|convert|check ...'],
  about: 'Makes, describes, converts and checks disk images.',
  sections: [
    [
      'Commands',
      `  create [-f FORMAT] [-b BASE [-F FORMAT]] [--cluster-size SIZE] FILE [SIZE]
  info FILE
  convert [-f FORMAT] [-O FORMAT] SOURCE TARGET
  check [--repair] FILE
`,
    ],
  ],
  examples: Object.values(commandHelp).flatMap(({ examples }) => examples.slice(0, 1)),
};

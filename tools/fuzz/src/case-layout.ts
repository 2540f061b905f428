/** Where things are that the kernel of cases, its image and its readers agree on. */

/** Linear addresses of a case's code and data. */
export const codeBase = 0x2_0000;
/** See {@link codeBase}. */
export const dataBase = 0x3_0000;

/** Words of a record. */
export const recordWords = 21;
/** Bytes of a case. */
export const caseBytes = 96;

/** Entries of the local descriptor table. */
export const ldtEntries = 64;

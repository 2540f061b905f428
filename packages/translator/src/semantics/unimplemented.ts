/** Operations of the instruction tables that have no semantics, by reason. */
const reasons: Readonly<Record<string, string>> = {
  'only in 64-bit code, which is not run yet': 'RDFSBASE RDGSBASE WRFSBASE WRGSBASE SWAPGS',
};

/** Operations without semantics, each with the reason. */
export const withoutSemantics: ReadonlyMap<string, string> = new Map(
  Object.entries(reasons).flatMap(([reason, names]) =>
    names.split(' ').map((name) => [name, reason] as const),
  ),
);

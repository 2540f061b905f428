import type { Form } from './form.ts';
import { parseRow } from './parse-row.ts';
import { TABLES } from './tables/index.ts';

/** Every form of the instruction set, in the order of the tables; the position is `Form.index`. */
export const FORMS: readonly Form[] = parseTables(TABLES);

/** Forms by mnemonic, each of a form's names included (CBW, CWDE and CDQE find the same form). */
export const FORMS_BY_MNEMONIC: ReadonlyMap<string, readonly Form[]> = groupByName(FORMS);

/** Rows are lines; empty lines and lines that begin with `#` are for the reader. */
function parseTables(tables: readonly string[]): Form[] {
  const forms: Form[] = [];
  for (const table of tables) {
    for (const line of table.split('\n')) {
      const row = line.trim();
      if (row !== '' && !row.startsWith('#')) forms.push(...parseRow(row, forms.length));
    }
  }
  return forms;
}

function groupByName(forms: readonly Form[]): Map<string, Form[]> {
  const groups = new Map<string, Form[]>();
  for (const form of forms) {
    for (const name of new Set(form.names)) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [form]);
      else group.push(form);
    }
  }
  return groups;
}

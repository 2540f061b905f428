import type { Form } from '@ringfence/isa';

/** A name of a form that stays when rows are added to the tables: `ADD Ev, Gv | 01 /r`. */
export function formKey(form: Form): string {
  const operands = form.operands.map((spec) => spec.text).join(', ');
  return `${`${form.mnemonic} ${operands}`.trim()} | ${form.encoding}`;
}

import { FAMILIES, differences, readVectors, vectorFile, formKey, APPROXIMATE } from '@ringfence/native-vectors';
import { FORMS } from '@ringfence/isa';
import { hasSemantics } from '@ringfence/translator';
import { VectorRunner } from './test-vectors.ts';
const runner = new VectorRunner((process.env.ACCEL ?? "interpreter") as any);
const byKey = new Map(FORMS.map(f=>[formKey(f), f]));
const want = process.argv[2]; const per = Number(process.argv[3] ?? 2); const filter = process.argv[4];
for (const family of FAMILIES) { if (want && want!=='all' && want!==family) continue;
 let ok=0, bad=0, none=0; const badForms=new Map<string,number>(); 
 for (const v of readVectors(vectorFile(family))) {
  if (filter && !v.form.startsWith(filter)) continue;
  const form = byKey.get(v.form)!;
  if (!hasSemantics(form.index)) { none++; continue; }
  if (APPROXIMATE.has(form.operation)) continue;
  let o; try { o = runner.run(v);} catch(e) { bad++; console.log(v.form, v.number, String((e as Error).stack).slice(0,600)); if (bad>3) process.exit(1); continue; }
  const d = differences(v, o.state, o.fault);
  if (d.length===0) ok++; else { bad++; const n=(badForms.get(v.form)??0)+1; badForms.set(v.form,n); if (n<=per) console.log(v.form, '#'+v.number, Buffer.from(v.code).toString('hex'), d.join('; ')); }
 }
 console.log(family, runner.regions, {ok,bad,none}, 'bad forms', badForms.size, [...badForms.entries()].map(([k,n])=>k+' x'+n).slice(0,60));
}

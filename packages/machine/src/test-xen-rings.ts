/** Pieces of checks of any kernel for Xen: the rings of console and store, as a guest uses them. */
import type { NamedChecks, XenChecks } from './test-xen-checks.ts';

/** Where the ring pages stand in the guest's address space, and the ports, as operands. */
export interface RingPlaces {
  readonly console: string;
  readonly consolePort: string;
  readonly store: string;
  readonly storePort: string;
}

/** Offsets in the page of the console: output, and up to where it is read and written. */
const Console = { output: 1024, read: 3080, written: 3084 } as const;
/** Offsets in the page of the store: answers, and up to where each ring is read and written. */
const Store = { answers: 1024, requestWritten: 2052, answerRead: 2056, answerWritten: 2060 };
const header = { type: 0, request: 4, transaction: 8, length: 12, bytes: 16 } as const;

/** Makes the checks; what is written to the console are carriage returns. */
export function ringChecks({ call, leaves }: XenChecks, places: RingPlaces): NamedChecks {
  const send = (port: string): string =>
    `        mov eax, ${port}
        mov [argument], eax
${call(32, ['ebx, 4', 'ecx, argument'], 0)}`;
  let strings = 0;
  /** Asks the store and expects an answer of a type, of so many bytes, that begins so. */
  const ask = (type: number, text: string, answer: number, bytes: number, start: string) => {
    const label = `store_text_${String(++strings)}`;
    return `        jmp behind_${label}
${label}: db ${text}
behind_${label}:
        mov edi, ${places.store}
        mov dword [message], ${type}
        mov dword [message + 4], 0x1234
        mov dword [message + 8], 0
        mov dword [message + 12], behind_${label} - ${label}
        mov esi, message
        mov ecx, 16
        call to_store
        mov esi, ${label}
        mov ecx, behind_${label} - ${label}
        call to_store
${send(places.storePort)}
        mov edi, message
        mov ecx, 16
        call from_store
        mov edi, seen
        mov ecx, [message + ${header.length}]
        call from_store
${leaves('', `dword [message + ${header.type}]`, answer)}
${leaves('', `dword [message + ${header.request}]`, 0x1234)}
${leaves('', `dword [message + ${header.length}]`, bytes)}
${start}`;
  };
  /** Moves ECX bytes from ESI into the ring of the store, or to EDI out of it. */
  const routines = `        jmp behind_store
message: dd 0, 0, 0, 0
to_store:
        mov ebx, ${places.store}
to_next:
        mov edx, [ebx + ${Store.requestWritten}]
        and edx, 1023
        lodsb
        mov [ebx + edx], al
        inc dword [ebx + ${Store.requestWritten}]
        loop to_next
        ret
from_store:
        mov ebx, ${places.store}
from_next:
        mov edx, [ebx + ${Store.answerRead}]
        cmp edx, [ebx + ${Store.answerWritten}]
        je from_end
        and edx, 1023
        mov al, [ebx + edx + ${Store.answers}]
        stosb
        inc dword [ebx + ${Store.answerRead}]
        loop from_next
from_end:
        ret
behind_store:`;
  return {
    'a console whose ring is read': [
      `        mov ebx, ${places.console}
        mov edx, [ebx + ${Console.written}]
        mov edi, edx
        and edi, 2047
        mov dword [ebx + edi + ${Console.output}], 0x0d0d0d0d
        add dword [ebx + ${Console.written}], 4
${send(places.consolePort)}`,
      leaves(
        `        mov ebx, ${places.console}
        mov eax, [ebx + ${Console.read}]
        sub eax, [ebx + ${Console.written}]`,
        'eax',
        0,
      ),
    ],
    'a store: its number, what it may write, and what is not there': [
      routines,
      ask(2, '"domid", 0', 2, 1, leaves('', 'byte [seen]', 0x31)),
      ask(2, '"none", 0', 16, 7, leaves('', 'dword [seen]', '0x454f4e45')),
      ask(11, '"data/x", 0, "ok"', 11, 3, leaves('', 'word [seen]', '0x4b4f')),
      ask(2, '"data/x", 0', 2, 2, leaves('', 'word [seen]', '0x6b6f')),
      ask(11, '"domid", 0, "7"', 16, 7, leaves('', 'dword [seen]', '0x43434145')),
      ask(10, '"1", 0', 10, 16, leaves('', 'dword [seen + 12]', '0x312f6e')),
    ],
  };
}

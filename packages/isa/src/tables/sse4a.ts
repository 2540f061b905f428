/** SSE4A: AMD vol. 4, EXTRQ, INSERTQ, MOVNTSD, MOVNTSS. */
export const sse4a = `
EXTRQ   | Udq:rw, Ib, Ib      | 66 0F 78 /0 |  |  | SSE4A
EXTRQ   | Vdq:rw, Udq         | 66 0F 79 /r |  |  | SSE4A
INSERTQ | Vdq:rw, Udq, Ib, Ib | F2 0F 78 /r |  |  | SSE4A
INSERTQ | Vdq:rw, Udq         | F2 0F 79 /r |  |  | SSE4A
MOVNTSS | Md:w, Vdq           | F3 0F 2B /r |  |  | SSE4A
MOVNTSD | Mq:w, Vdq           | F2 0F 2B /r |  |  | SSE4A
`;

/**
 * Flags that the manuals leave undefined, and results that they do, as an AMD EPYC (family 26) has
 * them in 32-bit code: programs are compared with it by what they print.
 */
import { assembleText } from '@ringfence/assembler';
import { describe, expect, it } from 'vitest';
import { Word } from './state-view.ts';
import { flatState, makeCpu } from './test-cpu.ts';

/** Instruction; EAX, EDX, ECX and flags before; EAX, EDX and flags behind it. */
const rows = `
mul ecx            00010000 000000ff 00008000 045 80000000 00000000 044
mul ecx            eb29f637 80000000 00000100 0c0 29f63700 000000eb 8c1
mul ecx            000000ff 1f89669b 00000003 810 000002fd 00000000 010
mul ecx            f7ebe90c 7e5c9c07 00000002 8d1 efd7d218 00000001 8d1
mul cx             55555555 00000002 00000010 0d5 55555550 00000005 8d5
mul cx             b66cba1f 80000000 ffffffff 8c0 b66c45e1 8000ba1e 8c1
mul cx             55555555 79db11e3 0000007f 8c0 5555552b 79db002a 8c1
mul cx             360929f4 293bd7cf ffffffff 0c1 3609d60c 293b29f3 8c1
mul cl             deadbeef 00000010 00000003 855 dead02cd 00000010 855
mul cl             b024a607 0000000f 00007fff 0d0 b02406f9 0000000f 8d1
mul cl             deadbeef 7a97052b deadbeef 040 deaddf21 7a97052b 841
mul cl             9c0e92dc fda91b97 0000ffff 0c1 9c0edb24 fda91b97 8c1
imul ecx           aaaaaaaa aaaaaaaa aaaaaaaa 8c5 e38e38e4 1c71c71c 8c5
imul ecx           bf79b9ef 00000001 00000000 8d0 00000000 00000000 0d0
imul ecx           aaaaaaaa e1168073 00000002 0d0 55555554 ffffffff 8d1
imul ecx           271423c4 d5dc275f 00007fff 0d1 eacddc3c 00001389 8d1
imul cx            0000000f 00000008 ffffffff 845 0000fff1 0000ffff 044
imul cx            e7e3f5d7 0000000f 00000008 800 e7e3aeb8 0000ffff 000
imul cx            00000100 f54783bb 55555555 050 00005500 f5470055 851
imul cx            dff1dcac 9d2d7b27 00000010 0d1 dff1cac0 9d2dfffd 8d1
imul cl            00000007 ffffffff 000000ff 8d5 0000fff9 ffffffff 0d4
imul cl            4cd959bf aaaaaaaa 0000007f 000 4cd9dfc1 aaaaaaaa 801
imul cl            00000008 7d4a0f03 0000000f 0c0 00000078 7d4a0f03 0c0
imul cl            ae77bd94 7df496ef aaaaaaaa 801 ae772448 7df496ef 801
imul eax, ecx      00000008 00010000 80000000 055 00000000 00010000 855
imul eax, ecx      f135e5a7 00000000 12345678 810 9055c048 00000000 811
imul eax, ecx      00000008 8f58e24b 80000000 840 00000000 8f58e24b 841
imul eax, ecx      c1b5c67c 4949bab7 deadbeef 801 6bd055c4 4949bab7 801
imul ax, cx        000000ff 00000010 000000ff 005 0000fe01 00000010 805
imul ax, cx        85ad998f 00000010 00000080 010 85adc780 00000010 811
imul ax, cx        80000000 14b07d93 12345678 0d0 80000000 14b07d93 0d0
imul ax, cx        ef13f764 5c84a67f 0000007f 011 ef13ba9c 5c84a67f 811
imul eax, ecx, 77  00000008 00007fff 00000003 885 000000e7 00007fff 084
imul eax, ecx, 77  750a7577 00000001 00000003 000 000000e7 00000001 000
imul eax, ecx, 77  deadbeef 509b20db 80000000 850 80000000 509b20db 851
imul eax, ecx, 77  571a504c 381dda47 00000010 011 000004d0 381dda47 010
bsf eax, ecx       00000008 00000008 00000000 0d5 00000008 00000008 044
bsf eax, ecx       ccf8d134 226cd60f 00000001 801 00000000 226cd60f 004
bsf eax, ecx       00008000 80000000 000000ff 015 00000000 80000000 004
bsf eax, ecx       6754795f 00000010 80000000 800 0000001f 00000010 000
bsf eax, ecx       00000007 f8118c23 12345678 800 00000003 f8118c23 004
bsf ax, cx         ffffffff deadbeef 00000000 895 ffffffff deadbeef 044
bsf ax, cx         c828d3e4 665a98ff 00000001 891 c8280000 665a98ff 004
bsf ax, cx         ffffffff deadbeef 00000000 895 ffffffff deadbeef 044
bsf ax, cx         bc73a547 7fffffff 00000008 010 bc730003 7fffffff 004
bsf ax, cx         80000000 11a87f6b 00000002 880 80000001 11a87f6b 000
bsr eax, ecx       00000000 dc0ba64b 00000000 040 00000000 dc0ba64b 044
bsr eax, ecx       c273d779 00008000 d3fe8007 040 0000001f 00008000 000
bsr eax, ecx       00010000 7fffffff deadbeef 805 0000001f 7fffffff 000
bsr eax, ecx       e74ff92f 00000000 00000100 810 00000008 00000000 000
bsr eax, ecx       00000100 db0bbab3 00000080 810 00000007 db0bbab3 000
bsr ax, cx         00000002 4839230b 00000000 800 00000002 4839230b 044
bsr ax, cx         e9a1ed61 0000ffff 93e2d62f 050 e9a1000f 0000ffff 004
bsr ax, cx         aaaaaaaa 00000080 0000000f 085 aaaa0003 00000080 004
bsr ax, cx         74ef7517 0000007f 00000008 840 74ef0003 0000007f 004
bsr ax, cx         00000000 0b277dfb 00000080 090 00000007 0b277dfb 000
shl eax, cl        00000010 0000ffff 0000003f 015 00000000 0000ffff 054
shl eax, cl        a42c5d5e 00000000 00000003 8d5 2162eaf0 00000000 815
shl eax, cl        00000100 20e99920 0000001a 005 00000000 20e99920 054
shl eax, cl        9eb1b641 9185127a 00000029 804 636c8200 9185127a 815
shr eax, cl        80000000 00000010 00000021 041 40000000 00000010 814
shr eax, cl        1a58f418 00000002 0000001d 815 00000000 00000002 055
shr eax, cl        00000008 88a2298a 0000000c 001 00000000 88a2298a 054
shr eax, cl        dbdde84b 11a698fc 00000013 0d4 00001b7b 11a698fc 015
sar eax, cl        00000008 0000007f 00000003 001 00000001 0000007f 010
sar eax, cl        b5724752 00000000 00000037 8d1 ffffff6a 00000000 095
sar eax, cl        00000001 95773274 0000003e 881 00000000 95773274 054
sar eax, cl        e09edad5 a7d425fe 0000003d 000 ffffffff a7d425fe 094
shl al, cl         00000001 aaaaaaaa 00000025 015 00000020 aaaaaaaa 010
shl al, cl         0f1df70c 00010000 00000011 811 0f1df700 00010000 054
shl al, cl         00000000 ebf753de 00000030 095 00000000 ebf753de 054
shl al, cl         d5d6eddf 5b5ed980 00000027 8d0 d5d6ed80 5b5ed980 091
shr ax, cl         00000080 80000000 00000007 0d5 00000001 80000000 010
shr ax, cl         0d50e346 aaaaaaaa 0000002b 8d5 0d50001c aaaaaaaa 010
shr ax, cl         00000000 57fbedc8 00000022 815 00000000 57fbedc8 054
shr ax, cl         e878c169 5308d382 00000011 844 e8780000 5308d382 054
shld eax, edx, cl  0000ffff 00000100 00000029 001 01fffe00 00000100 014
shld eax, edx, cl  1b3cec00 00007fff 00000005 015 679d8000 00007fff 815
shld eax, edx, cl  00000100 554de032 00000014 811 100554de 554de032 014
shld eax, edx, cl  c19ef573 a6ef3404 0000003b 814 9d3779a0 a6ef3404 095
shrd eax, edx, cl  00000003 00000010 0000000b 891 02000000 00000010 014
shrd eax, edx, cl  d4ad313a 00000007 0000001f 0c1 0000000f 00000007 015
shrd eax, edx, cl  00000001 7429cb1c 00000006 081 70000000 7429cb1c 814
shrd eax, edx, cl  519269fd 8d611b06 00000025 050 328c934f 8d611b06 011
shld ax, dx, cl    ffffffff 0000ffff 00000021 801 ffffffff 0000ffff 095
shld ax, dx, cl    33e2407d 80000000 00000009 894 33e2fa00 80000000 894
shld ax, dx, cl    2152d44a 00000010 0000002f 811 21520008 00000010 811
shld ax, dx, cl    0000007f 39910fdd 00000010 080 00000fdd 39910fdd 815
shld ax, dx, cl    80000000 7e785d1a 00000011 8c5 8000ba34 7e785d1a 090
shld ax, dx, cl    00000001 81cfa545 00000018 040 000045a5 81cfa545 014
shld ax, dx, cl    80000000 274c88b1 0000003f 0c0 8000c458 274c88b1 090
shrd ax, dx, cl    0000007f 1b982f4a 00000001 095 0000003f 1b982f4a 015
shrd ax, dx, cl    ff99c4a1 c51f4d5a 00000009 8c4 ff99ad62 c51f4d5a 890
shrd ax, dx, cl    ffffffff 884c2fe1 0000002f 090 ffff5fc3 884c2fe1 815
shrd ax, dx, cl    964baa38 61fce005 00000010 0c5 964be005 61fce005 095
shrd ax, dx, cl    d50aa785 00000008 00000011 014 d50a0004 00000008 010
shrd ax, dx, cl    0000ffff 00000008 00000018 015 00000800 00000008 014
shrd ax, dx, cl    00000001 00000003 0000001f 095 00000006 00000003 014
aaa                aaaaaaaa 00000000 00000000 005 aaaaab00 00000000 091
aaa                8f14968f 55555555 55555555 010 8f149705 55555555 095
aaa                00008000 0bec6693 0000000f 0d0 00008106 0bec6693 095
aaa                9e749464 3c36df7f ffffffff 011 9e74950a 3c36df7f 095
aas                80000000 00000007 00000001 885 80000000 00000007 044
aas                7fac7277 00000003 00000001 000 7fac7207 00000003 004
aas                00000002 2b1649db deadbeef 850 0000fe0c 2b1649db 095
aas                e83fed4c 382ed347 000000ff 011 e83fec06 382ed347 091
daa                00000080 00000002 55555555 8d5 000000e6 00000002 091
daa                4caa56bf 7fffffff 0000007f 000 4caa5625 7fffffff 011
daa                00000007 5d403803 000000ff 0c0 00000007 5d403803 000
daa                49e65a94 63088fef 0000000f 801 49e65af4 63088fef 081
das                0000ffff deadbeef aaaaaaaa 055 0000ff99 deadbeef 095
das                ed81e2a7 00000080 00000001 010 ed81e241 00000080 815
das                80000000 77750b4b 00000100 040 80000000 77750b4b 044
das                7aa1637c 573cb3b7 0000007f 801 7aa16316 573cb3b7 011
div ecx            deadbeef 00000000 00000081 015 01b9e7ae 00000041 011
div ecx            7e11765f 00000000 00000007 800 12027e9f 00000006 810
div ecx            00000080 00000000 12345679 000 00000000 00000080 010
div ecx            7b5b6e34 00000000 00000081 801 00f4cd41 00000073 811
idiv ecx           deadbeef ffffffff 00007fff 895 ffffbd5b fffffc4a 811
idiv ecx           af1ba247 ffffffff 7fffffff 810 00000000 af1ba247 810
idiv ecx           00000008 00000000 ffffffff 880 fffffff8 00000000 810
idiv ecx           1c77171c 00000000 ffffffff 801 e388e8e4 00000000 811
div cl             00000080 00000080 00000003 805 0000022a 00000080 811
div cl             0000002f 00000003 00008001 810 0000002f 00000003 810
div cl             00000001 d76ba3b3 12345679 810 00000100 d76ba3b3 810
tzcnt eax, ecx     5ec29981 393a2ca8 ea3e70bc 010 00000002 393a2ca8 000
tzcnt eax, ecx     17cd419b 12345678 dd2e55ff 015 00000000 12345678 040
tzcnt eax, ecx     00007fff 00008000 000000ff 800 00000000 00008000 840
tzcnt eax, ecx     55555555 aaaaaaaa 00ff00ff 0c4 00000000 aaaaaaaa 040
tzcnt eax, ecx     deadbeef 00008000 ffffffff 044 00000000 00008000 040
tzcnt ax, cx       00000001 00000000 00000007 041 00000000 00000000 040
tzcnt ax, cx       deadbeef 00000001 5678f2fb 811 dead0000 00000001 840
tzcnt ax, cx       874d61ca 73a2360c 00007fff 801 874d0000 73a2360c 840
tzcnt ax, cx       00000008 17eddd55 0313a882 894 00000001 17eddd55 800
lzcnt eax, ecx     445d9e0c 00000008 00000000 8c5 00000020 00000008 801
lzcnt eax, ecx     00008000 00000007 00000008 080 0000001c 00000007 000
lzcnt eax, ecx     80000000 00000008 2bf3e257 051 00000002 00000008 000
lzcnt eax, ecx     55555555 da45f623 5c556405 014 00000001 da45f623 000
lzcnt eax, ecx     00000002 00000100 deadbeef 010 00000000 00000100 040
lzcnt ax, cx       2e6f6610 2583f9cf 00000007 055 2e6f000d 2583f9cf 000
lzcnt ax, cx       12345678 64c7a965 14edf7cf 851 12340000 64c7a965 840
lzcnt ax, cx       a4f087b7 00000100 faaaca44 044 a4f00000 00000100 040
lzcnt ax, cx       00008000 94718c38 12345678 840 00000001 94718c38 800
adcx eax, ecx      00008000 00000000 00000100 810 00008100 00000000 810
adcx eax, ecx      aaaaaaaa e95c7125 00000100 095 aaaaabab e95c7125 094
adcx eax, ecx      107ea791 a11d525c 00000000 845 107ea792 a11d525c 844
adox eax, ecx      00007fff 00000000 000000ff 890 000080ff 00000000 090
adox eax, ecx      a3d5f83a 00007fff 00000000 800 a3d5f83b 00007fff 000
adox eax, ecx      aaaaaaaa 481b179d 00008000 044 aaab2aaa 481b179d 044
andn eax, edx, ecx 00000100 99d73d88 00010000 054 00000000 99d73d88 044
andn eax, edx, ecx 9422c23e 00010000 00000001 8c0 00000001 00010000 000
andn eax, edx, ecx ef8239ac 00000001 00010000 884 00010000 00000001 004
andn eax, edx, ecx 55555555 12345678 00000000 8d5 00000000 12345678 044
bextr eax, ecx, edx 00000008 69ac5c8f d403cf5d 8d4 00000000 69ac5c8f 054
bextr eax, ecx, edx 00000001 00000000 00010000 014 00000000 00000000 054
bextr eax, ecx, edx 80000000 00000100 00007fff 055 00000001 00000100 010
bextr eax, ecx, edx 00000100 00ff00ff db269312 090 00000000 00ff00ff 054
bextr eax, ecx, edx f69314c7 00000002 deadbeef 004 00000000 00000002 054
bextr eax, ecx, edx 2a49a145 00010000 cba43711 0c0 00000000 00010000 054
bextr eax, ecx, edx 00000001 00008000 00000001 850 00000001 00008000 010
bextr eax, ecx, edx 8111b325 c9c87cb9 28e8bd79 8c4 00000000 c9c87cb9 054
bextr eax, ecx, edx 00007fff 00000008 00000001 045 00000000 00000008 054
bextr eax, ecx, edx 00008000 deadbeef 00007fff 844 00000000 deadbeef 054
bextr eax, ecx, edx 00000008 3128cc17 ffffffff 844 000001ff 3128cc17 014
bextr eax, ecx, edx deadbeef b34991e7 12345678 891 00000000 b34991e7 054
bextr eax, ecx, edx 55555555 deadbeef 000000ff 854 00000000 deadbeef 054
bextr eax, ecx, edx 00ff00ff 000000ff 00010000 890 00000000 000000ff 054
blsi eax, ecx      55555555 000000ff 00000001 845 00000001 000000ff 001
blsi eax, ecx      55555555 00008000 00010000 851 00010000 00008000 005
blsi eax, ecx      000000ff 00000007 00000001 040 00000001 00000007 001
blsi eax, ecx      6a1de70f 00000001 55555555 055 00000001 00000001 001
blsi eax, ecx      deadbeef 12345678 deadbeef 0d1 00000001 12345678 001
blsmsk eax, ecx    00000007 7e34db9b 00007fff 851 00000001 7e34db9b 000
blsmsk eax, ecx    deadbeef 00000007 deadbeef 8c4 00000001 00000007 000
blsmsk eax, ecx    a7f55b41 80000000 12345678 0c4 0000000f 80000000 004
blsmsk eax, ecx    00000008 12345678 55555555 050 00000001 12345678 000
blsmsk eax, ecx    30d82fe0 00007fff 00008000 000 0000ffff 00007fff 004
blsr eax, ecx      deadbeef aaaaaaaa 2cb17c49 854 2cb17c48 aaaaaaaa 004
blsr eax, ecx      5b97deb1 00000007 00000001 855 00000000 00000007 044
blsr eax, ecx      ffffffff 00008000 96cede5a 810 96cede58 00008000 080
blsr eax, ecx      9622e6a8 ffffffff ae5470ad 8c4 ae5470ac ffffffff 084
blsr eax, ecx      95bcaf5c 76a6004d 00000100 8c5 00000000 76a6004d 044
bzhi eax, ecx, edx 7c03d3d2 fe30645f 12345678 8c0 12345678 fe30645f 005
bzhi eax, ecx, edx 00ff00ff f8ba184b 21bf5ec9 880 21bf5ec9 f8ba184b 005
bzhi eax, ecx, edx 000000ff 00000008 55555555 804 00000055 00000008 004
bzhi eax, ecx, edx 55555555 f9cc5600 bec3f742 815 00000000 f9cc5600 044
bzhi eax, ecx, edx 00000100 55555555 00000001 091 00000001 55555555 001
bzhi eax, ecx, edx 00000000 00000100 00000008 0c0 00000000 00000100 044
bzhi eax, ecx, edx 93c5e720 00000000 00008000 081 00000000 00000000 044
bzhi eax, ecx, edx 12345678 80000000 deadbeef 044 00000000 80000000 044
mulx eax, edx, ecx 09652e0a 00ff00ff 00000001 801 00000000 00ff00ff 801
mulx eax, edx, ecx 00008000 ccfb120c bd392e5a 894 97832557 0e2e8038 894
mulx eax, edx, ecx 00000100 000000ff 00010000 844 00000000 00ff0000 844
mulx eax, edx, ecx f3ef7abf 00000007 4f134385 8c4 00000002 2986d8a3 8c4
mulx edx, edx, ecx 132760e5 bafbe843 ed928e38 8d0 132760e5 ad864191 8d0
mulx edx, edx, ecx 000000ff deadbeef 7eebb173 0d5 000000ff 6e6687d2 0d5
mulx edx, edx, ecx 00000007 00000100 ffffffff 054 00000007 000000ff 054
pdep eax, edx, ecx 00007fff 08c4829e a4e2763a 0d4 80022238 08c4829e 0d4
pdep eax, edx, ecx 193ac5fc 00000001 f7045e02 8c0 00000002 00000001 8c0
pdep eax, edx, ecx cc7086d7 65bfff2d 6aed8e9a 080 6aed0492 65bfff2d 080
pdep eax, edx, ecx 00007fff b1e2f152 00ff00ff 040 00f10052 b1e2f152 040
pext eax, edx, ecx aaaaaaaa 55555555 00000000 8c5 00000000 55555555 8c5
pext eax, edx, ecx deadbeef 00000000 55555555 001 00000000 00000000 001
pext eax, edx, ecx 0ff62da8 00000000 ffffffff 0c5 00000000 00000000 0c5
pext eax, edx, ecx f8582b26 12345678 00000001 810 00000000 12345678 810
rorx eax, ecx, 7   95d6157f ffffffff 00008000 0d1 00000100 ffffffff 0d1
rorx eax, ecx, 7   deadbeef 4175e8d4 00010000 804 00000200 4175e8d4 804
rorx eax, ecx, 7   00000000 c714175c 00000008 815 10000000 c714175c 815
sarx eax, ecx, edx 00000008 80000000 aaaaaaaa 880 aaaaaaaa 80000000 880
sarx eax, ecx, edx 00000008 00000008 00000007 851 00000000 00000008 851
sarx eax, ecx, edx 00ff00ff 000000ff 00e60754 810 00000000 000000ff 810
shlx eax, ecx, edx d5932434 00008000 cce1b1bf 085 cce1b1bf 00008000 085
shlx eax, ecx, edx 000000ff 5a731a50 99f17e78 055 7e780000 5a731a50 055
shlx eax, ecx, edx 00000001 deadbeef 00ff00ff 884 807f8000 deadbeef 884
shrx eax, ecx, edx 00000100 d73544a7 3bca0ce1 0c5 00779419 d73544a7 0c5
shrx eax, ecx, edx b65107e1 ffffffff deadbeef 010 00000001 ffffffff 010
shrx eax, ecx, edx aaaaaaaa 00000002 62b01be7 0c4 18ac06f9 00000002 0c4
bextr eax, ecx, edx 00000001 00002000 80000001 000 80000001 00002000 010
bextr eax, ecx, edx 00000001 0000ff00 80000001 8d5 80000001 0000ff00 010
bextr eax, ecx, edx 00000001 00002000 f0000000 000 f0000000 00002000 014
bextr eax, ecx, edx 00000001 00002000 ffffffff 8d5 ffffffff 00002000 014
`;

const code = 0x1000;
const arithmeticFlags = 0x8d5;
const columns = 7;

interface Row {
  readonly text: string;
  readonly before: readonly number[];
  readonly after: string;
}

function parse(line: string): Row {
  const words = line.split(/\s+/);
  const split = words.length - columns;
  return {
    text: words.slice(0, split).join(' '),
    before: words.slice(split, split + 4).map((word) => parseInt(word, 16)),
    after: words.slice(split + 4).join(' '),
  };
}

/** What a row comes to in the interpreter and then in a region. */
function outcomes({ text, before }: Row): string[] {
  const { cpu, machine, physical } = makeCpu(1 << 20, 'translator', 'max');
  const source = `push ebx\npopfd\n${text}\npushfd\npop ebx\nhlt`;
  physical.write(code, assembleText(source, { bits: 32, origin: code }));
  const [eax = 0, edx = 0, ecx = 0, flags = 0] = before;
  return [false, true].map((isHot) => {
    cpu.start({ ...flatState(code, 0x8000), gpr: [eax, ecx, edx, flags | 2, 0x8000, 0, 0, 0] });
    if (isHot) cpu.regions?.compile(code, code >> 12, [2], 'asked for');
    let end = cpu.run(1000);
    for (let again = 0; end === 'budget' && again < 20; again++) end = cpu.run(1000);
    expect(end).toBe('halt');
    const word = (register: number, mask: number, digits: number): string =>
      (((machine.i32[Word.gpr + 2 * register] ?? 0) & mask) >>> 0)
        .toString(16)
        .padStart(digits, '0');
    return `${word(0, -1, 8)} ${word(2, -1, 8)} ${word(3, arithmeticFlags, 3)}`;
  });
}

describe('undefined flags', () => {
  const lines = rows.trim().split('\n');
  const names = [...new Set(lines.map((line) => parse(line).text))];
  it.each(names)('of %s are those of a processor, in both tiers', (name) => {
    const found = lines.map(parse).filter(({ text }) => text === name);
    expect(found.map(outcomes)).toEqual(found.map(({ after }) => [after, after]));
  });
});

/** Bytes that the x86 filter has much to do with: opcodes and sign bytes of operands, mixed. */
export function branchBytes(count: number): Uint8Array<ArrayBuffer> {
  const set = [0xe8, 0xe9, 0, 0xff, 0x90];
  let state = 7;
  return Uint8Array.from({ length: count }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return set[(state >>> 0) % 5] ?? 0;
  });
}

/** 1000 of `branchBytes`, packed by `xz --check=crc32 --x86 --lzma2=dict=1MiB` (XZ Utils 5.4). */
export const xzWithFilter: string =
  '/Td6WFoAAAFpIt42AgEEACEBEACLIW9J4APnAnldAH+5/A3kFSndlFrU2ocO3RFS92qUnbrhXUJ+IXZu6KyiA9' +
  'WvRTdkFXHY7lthh04sew6mX4E1wh6RIauDtadUS6ypbqYh+HT40ZpmwOms7F1cPiDrURju5bLybPcdGIxSNDmU' +
  'asxyCt4s0CBPAWQrOv8wYgQEvdr+9zGYj4ue97rtA8DQntoLHVL17PwVn4T6o91mK7wVmGlNZk7lspfsxQmIDq' +
  't03b6lDSe8FUGUDvY27tGx6EuwXEYVl93YNdly2JHaPJIrCsY5i6bTjf2Tj4cIQH17hPIGPrmO9UUhBqbHBTIZ' +
  'V8N52sMeN0nKyTS4aY6Kjjadvoty+RNt0VSPUIOD67LDVJUEqegf2Xpe1pCMtlDZwosmRMMhdiITEWworF39Z2' +
  'fyK2cW/gihmDojpL742vuqpS/x1c5s134iBLGq+7hHDgvKfFqhtC6TsdXsrbt45BaDDtAa4Hw9WG/dHPTN3OZa' +
  'Rr5N62KgnOiAjKWxmHJanOdYPP3rxuP0zfE+6+4Cl1Kf5b6MOYykGu9NCp28NLVvypQ9+tcmxYtlr6W2LU1TLs' +
  '9qzqEJY5RbqZ36oj3Ob6dJd40tgiVj1x4PWYvybzIMsDYLCMCy7u0Yb492OfwdtFWmx2+oUqX/lk6nro79rpTp' +
  'IRtYBQ1mlmmvRsXhMLIQhxWJsEPggAd9Kgpb7TGGGXBvqo9fi7bIRPG2i1rH9GKabv+GgYBuaookYgLnMpcgKC' +
  'Q7GxVg767cbwIKCGpQDiPMSJdRzxCM86iZX7d5rthXoTbRg7paMc8FWIJ9eNBE3JEcUeQ1Xl9HQUMjwecoSFpn' +
  'Z+rPK1jQTUHtq9XxfKiLZE2OpgAAAADXO4/8AAGRBegHAAAZ4QvLPjANiwIAAAAAAVla';

/** 200 of `branchBytes`, packed by `xz --check=crc32 --lzma2=dict=1MiB`. */
export const xzPlain: string =
  '/Td6WFoAAAFpIt42AgAhARAAAACocI6G4ADHAINdAH+5/A+C0nIDvmBhzaEGS3IotdAmnxptXPgAAYqXSfk29R' +
  'vsIiizIibF820Z5dMjdjW6mH48DZG87YlKMEoyVTz+YSUF/PE9LvRvUxh5VwyyRxmv/5cBRBS+fctqcMXdQBsC' +
  'xyRsJmyb6X/vg69XvblXccLjEeV7k5JrFKFzGhOqYDEAAACmCfGpAAGbAcgBAAAzt687PjANiwIAAAAAAVla';

/** `makeElf(0x100_0000, [{ physical: 0x100_0000, content: [1, 2, 3] }])`, packed by `zstd` 1.5. */
export const zstdElf: string =
  'KLUv/SRX1QEARAJ/RUxGAQEBAAIAAwABNAAANAAgVAEDAAAABwAAAAQAAAAB' +
  'AgMIALtQp0K8zK3csJPonAXHzIQAXJ3Y0hI=';

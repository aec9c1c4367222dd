import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import kafkajs from 'kafkajs';

const { CompressionCodecs, CompressionTypes } = kafkajs;
const require = createRequire(import.meta.url);
const snappy = require('snappyjs') as { compress(bytes: Uint8Array): Uint8Array };

/** How producers in other languages write the batches that we have to read. */
export const compressions: Record<string, { type: number; compress: ((records: Buffer) => Uint8Array) | null }> = {
  gzip: { type: CompressionTypes.GZIP, compress: null },
  'bare snappy': { type: CompressionTypes.Snappy, compress: (records) => snappy.compress(records) },
  'snappy in the framing of Java': { type: CompressionTypes.Snappy, compress: (records) => xerial(records) },
  lz4: { type: CompressionTypes.LZ4, compress: (records) => prepared(records, lz4Fixture) },
  zstd: { type: CompressionTypes.ZSTD, compress: (records) => prepared(records, zstdFixture) },
};

/** Lets kafkajs write a compression as well; how it is read stays as the product has it. */
export function writeWith({
  type,
  compress,
}: {
  type: number;
  compress: ((records: Buffer) => Uint8Array) | null;
}): void {
  if (!compress) return;
  const read = CompressionCodecs[type as keyof typeof CompressionCodecs] as () => { decompress: unknown };
  const { decompress } = read();
  CompressionCodecs[type as keyof typeof CompressionCodecs] = () => ({
    decompress,
    compress: (encoder: { buffer: Buffer }) => Promise.resolve(Buffer.from(compress(encoder.buffer))),
  });
}

/** 16 bytes of header, then blocks of at most 32 KB with their lengths. */
function xerial(records: Buffer): Buffer {
  const header = Buffer.concat([Buffer.from([0x82]), Buffer.from('SNAPPY\0'), Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])]);
  const blocks: Buffer[] = [header];
  for (let at = 0; at < records.length; at += 32_768) {
    const block = Buffer.from(snappy.compress(records.subarray(at, at + 32_768)));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    blocks.push(length, block);
  }
  return Buffer.concat(blocks);
}

const recordsSha256 = 'eb72a46daf67a6a8e5745d60796444e21f0c816985c2d650de8f65a78bcaac9b';

/** What `recordsOf(100)` sends, as `zstd -19` writes it: Node 20 has no zstd of its own. */
const zstdFixture = [
  'KLUv/QRobBwAVqRnM/DaVBvkwLPBy6RDADoCEgJ4CBCUe1vBIoVWIjQFIQQo5Ftkd3f3nYUeZHErLQHZFjIiAWcAVABWAN394Mzs',
  '4Lvruar+mdngiMjgd7fgZqbgVZXgVOWSQ8WCoNNxofLuPnBmNvDdLXBVJfDMZDkirvzuBtzMBLyqAnRqeE7/zMh8XHhgPDU2MzWe',
  'F4LxfGZiWsCg8cxouSEJHkasdDqdFpwnrqomnpkljogkfncibmYhXlUgTkhI+OHd3eHMzOG7u+GqquGZmeGIiOF3d+FmZuFVVeF0',
  'dHQU3t0wZ2b+7upVFZ+ZdkSk392Em9nLqyrCycjIIDxmtj5eVdvjtLS0N+9u5XFm1h3fXdVxVdUcz0zFcUQEcKPK787GzYzGq0rG',
  'SUlJbd7dMc7MNd/dz1X1xTOT5ojI4ne34mam4lWV4pSUlDLv7pgzM4rvbs/MnnJEbCm/u865mXWUV1VDOTU19ZN3Nzs5M3OT7y4z',
  'uarykmcmKzkicpLfHSO5mfGRVxXjnJiY2Mi7e4ucmZfId3eHXFVXyDNzgxwRF8jvbn88gd2o0ahbhv3PIXfYWgMiKFgCMkFCgFEF',
  'TBX//4987XzhY9KJRmAUnVCyw9OJtPAInaTjwWc6WcJveTqRFh6hk3Q8+HSyUxyjk7a8kHRC1xpPJ3eosHRS6zpCJ+x48OlkpzgG',
  '6KRQncvSScVzBJ3cocLSSa3rCJ2w48Gnk53iGJ205YWkE7rWeDq5Q4Wlk1rXEUAnlD0pkU52imN00pYXkk7oWuPp5A4Vlk5qXUfo',
  'lF3g35IKANJJiBuIThKteXRSjA0BdDLSc6ekkzEfPJ280WLoZNUXQifZfHh0cqOF0clWXwSdpPng6eSNFkMnq74QQCcpPXdKOhnz',
  'wdPJGy2GTlZ9IXSSzYdHJzdaGJ1s9UXQSZoPnk7eaDF0suoLAXSS0nOnpJMxHzydvNFi6GTVF0In2Xx4dHKjhdHJVl8EnaT54Onk',
  'jRZDJ6u+EEAnKT13SjoZ88HTyRsthk5WfSF0ks2HRyc3WhidbPVF0EmaD55O3mgxdLLqCwF0ktJzp6STMR88nbzRYuhk1RdCJ9l8',
  'eHRyo4XRyVZfBJ2k+eDp5I0WQyer/hZuqQA68achWD20a9h+gGApcteLEKXYNN4wSjHW+EMoxajxB1GKscYfQilGjT+IUow1/hBK',
  'MWr8QZRirPHvRKzRKJSSIFUBtQEA2MA5NjY2IMI5Nzc3IMQ5ODg4IMY5OTk5ICJ9ABX8OmGyx9OJtPAInaTjwaeTnYKz91DC328F',
  'HmYK4Q==',
].join('');

/** The same as `lz4 -9 -B4 -BI --no-frame-crc` writes it, as Kafka wants it; it refuses what lz4js writes. */
const lz4Fixture = [
  'BCJNGGBAghMFAAD/GaITAAAACFdPLTCME3sibnVtYmVyIjowLCJ0ZXh0Ijoib3JkZXIgMCAIAP////+ZMCJ9ANMEEALTBBgx0wQb',
  'MdMELzEgCAD/////mQPTBBAE0wQYMtMEGzLTBC8yIAgA/////5kD0wQQBtMEGDPTBBsz0wQvMyAIAP////+ZA9MEEAjTBBg00wQb',
  'NNMELzQgCAD/////mQPTBBAK0wQYNdMEGzXTBC81IAgA/////5kD0wQQDNMEGDbTBBs20wQvNiAIAP////+ZA9MEEA7TBBg30wQb',
  'N9MELzcgCAD/////mQPTBBAQ0wQYONMEGzjTBC84IAgA/////5kD0wQQEtMEGDnTBBs50wQvOSAIAP////+ZkCJ9ANIVAAAUCmsr',
  'NzC6FWwrDEAwPzEwIAkA//////8vA2sFERZrBRkxawUN2DAvMSAJAP//////LwNrBREYawUZMmsFDHAxPzEyIAkA//////8vA2sF',
  'ERprBRkzawUMCDI/MTMgCQD//////y8DawURHGsFGTRrBQygMj8xNCAJAP//////LwNrBREeawUZNWsFDDgzPzE1IAkA//////8v',
  'A2sFESBrBRk2awUM0DM/MTYgCQD//////y8DawURImsFGTdrBQxoND8xNyAJAP//////LwNrBREkawUZOGsFDAA1PzE4IAkA////',
  '//8vA2sFESZrBRk5awUMmDU/MTkgCQD//////y8DawUQKGsFGTIuNhwyLjY/MjAgCQD//////y8DawURKmsFCS42HDIuNj8yMSAJ',
  'AP//////LwNrBREsawUJLjYdMp5nLzIgCQD//////y8DawURLmsFCS42HDIuNj8yMyAJAP//////LwNrBREwawUJLjYcMi42PzI0',
  'IAkA//////8vA2sFETJrBQkuNhwyLjY/MjUgCQD//////y8DawURNGsFCS42HDIuNj8yNiAJAP//////LwNrBRE2awUJLjYcMi42',
  'PzI3IAkA//////8vA2sFEThrBQkuNhwyLjY/MjggCQD//////y8DawUROmsFCS42HDIuNj8yOSAJAP//////LwNrBRA8awUZMy42',
  'HDMuNj8zMCAJAP//////LwNrBRE+awUJLjYcMy42PzMxIAkA//////8vA2sFEUBrBQkuNhwzLjY/MzIgCQD//////y8DawURQmsF',
  'CS42HTNkni8zIAkA//////8vA2sFEURrBQkuNhwzLjY/MzQgCQD//////y8DawURRmsFCS42HDMuNj8zNSAJAP//////LwNrBRFI',
  'awUJLjYcMy42PzM2IAkA//////8vA2sFEUprBQkuNhwzLjY/MzcgCQD//////y8DawURTGsFCS42HDMuNj8zOCAJAP//////LwNr',
  'BRFOawUJLjYcMy42PzM5IAkA//////8vA2sFEFBrBRk0LjYcNC42PzQwIAkA//////8vA2sFEVJrBQkuNhw0LjY/NDEgCQD/////',
  '/y8DawURVGsFCS42HDQuNj80MiAJAP//////LwNrBRFWawUJLjYcNC42PzQzIAkA//////8vA2sFEVhrBQkuNh00KtUvNCAJAP//',
  '////LwNrBRFaawUJLjYcNC42PzQ1IAkA//////8vA2sFEVxrBQkuNhw0LjY/NDYgCQD//////y8DawURXmsFCS42HDQuNj80NyAJ',
  'AP//////LwNrBRFgawUJLjYcNC42PzQ4IAkA/55Qb3JkZXL/BAAAnyA0OCBvcmRlcgkA////b/MWIn0A0hUAAGIKV08tNDm6FXsi',
  'bnVtYmVyIjo0OSwidGV4dCI6Ii4ALzkgCQD//////y8DawUQZGsFKDUwawUrNTBrBT81MCAJAP//////LwNrBRFmawUZMWsFHDFr',
  'BS8xIAkA//////8vA2sFEWhrBRkyawUcMmsFLzIgCQD//////y8DawURamsFGTNrBRwzawUvMyAJAP//////LwNrBRFsawUZNGsF',
  'HDRrBS80IAkA//////8vA2sFEW5rBRk1awUcNWsFLzUgCQD//////y8DawURcGsFGTZrBRw2awUvNiAJAP//////LwNrBRFyawUZ',
  'N2sFHDdrBS83IAkA//////8vA2sFEXRrBRk4awUcOGsFLzggCQD//////y8DawURdmsFCS42HDUuNj81OSAJAP//////LwNrBRB4',
  'awUZNi42HDYuNj82MCAJAP//////LwNrBRF6awUJLjYcNi42PzYxIAkA//////8vA2sFEXxrBQkuNhw2LjY/NjIgCQD//////y8D',
  'awURfmsFCS42HDYuNj82MyAJAP//////L5EifQDUFQAAgAFsBQkvNhw2LzY/NjQgCQD//////y8DbAUSgmwFCTA2HDYwNj82NSAJ',
  'AP//////LwNsBRKEbAUJMTYcNjE2PzY2IAkA//////8vA2wFEoZsBQkyNhw2MjY/NjcgCQD//////y8DbAUSiGwFCTM2HDYzNj82',
  'OCAJAP//////LwNsBRKKbAUJNDYcNjQ2PzY5IAkA//////8vA2wFEYxsBRk3NTYcNzU2PzcwIAkA//////8vA2wFEo5sBQk2Nhw3',
  'NjY/NzEgCQD//////y8DbAUSkGwFCTc2HDc3Nj83MiAJAP//////LwNsBRKSbAUJODYcNzg2PzczIAkA//////8vA2wFEpRsBQk4',
  'Nhw3ODY/NzQgCQD//////y8DbAUSlmwFCTg2HDc4Nj83NSAJAP//////LwNsBRKYbAUJODYcNzg2Pzc2IAkA//////8vA2wFEpps',
  'BQk4Nhw3ODY/NzcgCQD//////y8DbAUSnGwFCTg2HDc4Nj83OCAJAP//////LwNsBRKebAUJODYcNzg2Pzc5IAkA//////8vA2wF',
  'EaBsBRk4ODYcODg2PzgwIAkA//////8vA2wFEqJsBQk4Nhw4ODY/ODEgCQD//////y8DbAUSpGwFCTg2HDg4Nj84MiAJAP//////',
  'LwNsBRKmbAUJODYcODg2PzgzIAkA//////8vA2wFEqhsBQk4Nhw4ODY/ODQgCQD//////y8DbAUSqmwFCTg2HDg4Nj84NSAJAP//',
  '////LwNsBRKsbAUJODYcODg2Pzg2IAkA//////8vA2wFEq5sBQk4Nhw4ODY/ODcgCQD//////y8DbAUSsGwFCTg2HDg4Nj84OCAJ',
  'AP//////LwNsBRKybAUJODYcODg2Pzg5IAkA//////8vA2wFEbRsBRk5ODYcOTg2PzkwIAkA//////8vA2wFErZsBQk4Nhw5ODY/',
  'OTEgCQD//////y8DbAUSuGwFCTg2HDk4Nj85MiAJAP//////LwNsBRK6bAUJODYcOTg2PzkzIAkA//////8vA2wFErxsBQk4Nhw5',
  'ODY/OTQgCQD//////y8DbAUSvmwFCTg2HDk4Nj85NSAJAP//2lBvcmRlcpgAAACfIDk1IG9yZGVyCQD//zPzFyJ9ANQVAADAAQpX',
  'Ty05NroVeyJudW1iZXIiOjk2LCJ0ZXh0IjoiLwAvNiAJAP//////LwNsBRLCbAUZN2wFHDdsBS83IAkA//////8vA2wFEsRsBRk4',
  'bAUcOGwFLzggCQD//////y8DbAUSxmwFGTlsBRw5bAUvOSAJAP//////LVA5ICJ9AAAAAAA=',
].join('');

function prepared(records: Buffer, inBase64: string): Buffer {
  const hash = createHash('sha256').update(records).digest('hex');
  if (hash !== recordsSha256) throw new Error('the records are not those of the fixture');
  return Buffer.from(inBase64, 'base64');
}

/** Records whose bytes in a batch are always the same, and long enough for more than one block. */
export function recordsOf(count: number): { key: string; value: string; timestamp: string }[] {
  return Array.from({ length: count }, (_, i) => ({
    key: `WO-${i}`,
    value: JSON.stringify({ number: i, text: `order ${i} `.repeat(150) }),
    timestamp: '1511234567890',
  }));
}
